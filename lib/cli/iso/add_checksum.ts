import type { Tree } from "../../config/merge.ts";
import { HttpError, showUrl } from "../../http/error.ts";
import type { Draft } from "../../iso/catalog/draft.ts";
import { locationOf } from "../../iso/catalog/entry.ts";
import { type ChecksumBeside, findChecksumBeside } from "../../iso/verify/beside.ts";
import { hashFile } from "../../hash.ts";
import { formatChecksum } from "../../iso/verify/checksum.ts";
import { log } from "../../log.ts";
import type { PimContext } from "../context.ts";
import type { AddFlags } from "./add.ts";
import { need } from "./need.ts";

/** The checksum that was given, or the one that can be found. */
export async function checksumFields(context: PimContext, flags: AddFlags, { url }: Draft): Promise<Tree> {
  if (flags.checksum === "none") return {};
  if (flags.checksum !== undefined) return { checksum: flags.checksum };
  if (flags.checksumUrl !== undefined) return {};
  const location = locationOf({ url });
  if (location.kind !== "http") {
    log.info(`Hashing ${location.path}`);
    const hash = await hashFile(location.path, "sha256", { signal: context.signal });
    return { checksum: formatChecksum({ algorithm: "sha256", hash }) };
  }
  const beside = await besideOf(context, url);
  if (beside === undefined) return await askedChecksum(context);
  log.info(`Found ${formatChecksum(beside.checksum)} in ${showUrl(beside.url)}`);
  if (beside.signatureUrl === undefined || flags.signatureUrl !== undefined) {
    return { checksum_url: beside.url };
  }
  if (flags.signingKey !== undefined) {
    return { checksum_url: beside.url, signature_url: beside.signatureUrl };
  }
  log.info(
    `It is signed (${showUrl(beside.signatureUrl)}); to have that verified, ` +
      "say who must have signed: --signing-key",
  );
  return { checksum_url: beside.url };
}

async function besideOf(context: PimContext, url: string): Promise<ChecksumBeside | undefined> {
  try {
    return await findChecksumBeside(url, { signal: context.signal, retries: 1 });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    throw new HttpError(`Cannot look for a checksum beside the ISO: ${error.message}`, {
      cause: error,
      hint: "Give it yourself, with --checksum or --checksum-url; then the network is not asked.",
    });
  }
}

async function askedChecksum(context: PimContext): Promise<Tree> {
  const question = 'No checksum found. "sha256:…", the URL of a checksum file, or "none"';
  const answer = await need(context, "--checksum, --checksum-url or --checksum none", question);
  if (answer === "none") return {};
  return /:\/\//.test(answer) ? { checksum_url: answer } : { checksum: answer };
}
