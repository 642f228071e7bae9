// deno-lint-ignore-file no-console -- a script that talks to whoever runs it
// `deno task catalog:check`: looks whether what pim knows of ISOs is still so. For each one it asks for the ISO's head,
// fetches the checksum file and verifies its signature, and looks for a newer release. Where the internet cannot be
// reached it says so and succeeds.
import { join } from "node:path";
import { CancelledError, messageOf } from "../../lib/errors.ts";
import { removeIfThere } from "../../lib/files.ts";
import { httpGet } from "../../lib/http/get.ts";
import { HttpError } from "../../lib/http/error.ts";
import { toIsoEntry } from "../../lib/iso/catalog/entry.ts";
import { knownIsos } from "../../lib/iso/catalog/known/find_known.ts";
import type { KnownIso } from "../../lib/iso/catalog/known/known.ts";
import { currentVersion, newestVersion } from "../../lib/iso/catalog/newest.ts";
import { compareVersions } from "../../lib/iso/catalog/version_order.ts";
import { expectedChecksum, type ExpectedOptions } from "../../lib/iso/verify/expected.ts";

/** What a check found out about one fact. */
export interface Finding {
  readonly key: string;
  readonly what: "ISO" | "mirror" | "checksum" | "release";
  /** Undefined when the fact is right. */
  readonly problem?: string;
  /** Something to know that is no problem. */
  readonly news?: string;
}

/** Looks whether the facts about an ISO are right. */
export async function checkIso(iso: KnownIso, options: ExpectedOptions): Promise<readonly Finding[]> {
  const { key, fields } = iso;
  const entry = toIsoEntry(key, fields, "/");
  const attempt = async (what: Finding["what"], work: () => Promise<string | void>): Promise<Finding> => {
    try {
      const news = await work();
      return { key, what, ...(typeof news === "string" && { news }) };
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      return { key, what, problem: messageOf(error) };
    }
  };
  const head = async (url: string) => {
    await using _answer = await httpGet(url, options);
  };
  const findings = [await attempt("ISO", () => head(entry.url))];
  for (const mirror of entry.mirrors) findings.push(await attempt("mirror", () => head(mirror)));
  findings.push(await attempt("checksum", async () => void await expectedChecksum(entry, options)));
  const { release } = entry;
  if (release === undefined) return findings;
  findings.push(
    await attempt("release", async () => {
      const current = currentVersion(key, entry.url, release);
      const newest = await newestVersion(release, options);
      return compareVersions(newest, current) > 0 ? `there is ${newest}, and it has ${current}` : undefined;
    }),
  );
  return findings;
}

/** Those of the URLs' hosts that answer at all, whatever they say. */
export async function hostsThatAnswer(
  urls: readonly string[],
  options: { stallTimeoutMs: number },
): Promise<readonly string[]> {
  const origins = [...new Set(urls.map((url) => new URL(url).origin))];
  const answers = await Promise.all(origins.map(async (origin) => {
    try {
      await using _answer = await httpGet(`${origin}/`, options);
      return true;
    } catch (error) {
      return error instanceof HttpError && error.status !== undefined;
    }
  }));
  return origins.filter((_, index) => answers[index]);
}

/** The lines that tell what was found, and whether all facts are right. */
export function report(
  findings: readonly Finding[],
): { readonly lines: readonly string[]; readonly ok: boolean } {
  const wrong = findings.filter(({ problem }) => problem !== undefined);
  const lines = findings.flatMap(({ key, what, problem, news }) =>
    problem !== undefined
      ? [`WRONG ${key}: ${what}: ${problem}`]
      : news !== undefined
      ? [`news  ${key}: ${news}`]
      : []
  );
  const isos = new Set(findings.map(({ key }) => key)).size;
  return {
    lines: [...lines, `${isos} ISOs, ${findings.length} facts, ${wrong.length} wrong`],
    ok: wrong.length === 0,
  };
}

async function main(): Promise<number> {
  const urls = knownIsos.map(({ fields }) => fields.url);
  const hosts = await hostsThatAnswer(urls, { stallTimeoutMs: 15_000 });
  if (hosts.length === 0) {
    console.log(
      "Skipped: none of the distributions' hosts can be reached from here, so nothing was checked.",
    );
    return 0;
  }
  const cacheDir = await Deno.makeTempDir({ prefix: "pim-catalog-check-" });
  // Only the keys that the facts name: another one on this host would hide a wrong URL.
  const keys = { folders: [], paths: { cacheDir: join(cacheDir, "cache") }, systemKeyrings: [] };
  try {
    const findings: Finding[] = [];
    for (const iso of knownIsos) {
      console.error(iso.key);
      findings.push(...await checkIso(iso, { retries: 2, keys }));
    }
    const { lines, ok } = report(findings);
    console.log(lines.join("\n"));
    return ok ? 0 : 1;
  } finally {
    await removeIfThere(cacheDir);
  }
}

if (import.meta.main) Deno.exit(await main());
