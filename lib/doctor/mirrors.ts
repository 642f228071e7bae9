import { httpGet } from "../http/get.ts";
import { HttpError } from "../http/error.ts";
import type { IsoEntry } from "../iso/catalog/catalog.ts";
import { catalogIfSound, type DoctorContext, type Finding, found, ok } from "./finding.ts";

const timeoutMs = 4000;

/** Checks that the servers of the ISO catalog answer, all at once. */
export async function checkMirrors(context: DoctorContext): Promise<readonly Finding[]> {
  const catalog = await catalogIfSound(context);
  if (catalog === undefined) return [];
  if (context.offline) return [ok("ISO servers", "not asked, because of --offline")];
  const origins = serversOf(catalog);
  if (origins.length === 0) return [ok("ISO servers", "the catalog names none")];
  return await Promise.all(origins.map((origin) => askServer(origin, context.signal)));
}

/** The servers that ISOs of a catalog are downloaded from, each once. */
export function serversOf(catalog: readonly IsoEntry[]): readonly string[] {
  const urls = catalog.flatMap(({ url, checksumUrl, mirrors, signature }) => [
    ...[url, ...mirrors],
    ...[checksumUrl, signature?.url, signature?.keyUrl].filter((each) => each !== undefined),
  ]);
  const origins = urls.filter((url) => /^https?:/.test(url)).map((url) => new URL(url).origin);
  return [...new Set(origins)].sort();
}

/** Whether a server answers at all; what it says of its first page does not matter. */
async function askServer(origin: string, signal: AbortSignal): Promise<Finding> {
  const name = new URL(origin).host;
  try {
    await using response = await httpGet(`${origin}/`, { signal, stallTimeoutMs: timeoutMs });
    return ok(
      name,
      `answers${response.url.startsWith(origin) ? "" : ` by way of ${new URL(response.url).host}`}`,
    );
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    if (error.status !== undefined) return ok(name, `answers (${error.status})`);
    const finding = found("warning", name, error, "Look at the network of this host, or at HTTPS_PROXY.");
    return { ...finding, detail: finding.detail.replace(/^Cannot fetch \S+: /, "") };
  }
}
