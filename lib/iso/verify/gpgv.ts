import { join } from "node:path";
import { HostError } from "../../errors.ts";
import { readBytesIfThere } from "../../files.ts";
import { findPackageManager, installWith, type PackageManager } from "../../package_manager.ts";
import { run, which } from "../../process.ts";
import { readStatus, type SignatureJudgement } from "./gpg_status.ts";

/** What is to be verified: a file with a detached signature, or one that is signed in line. */
export interface SignedContent {
  readonly content: Uint8Array;
  /** Undefined when the content carries its signature. */
  readonly signature: Uint8Array | undefined;
}

/** What gpgv found. */
export interface GpgvResult {
  readonly judgements: readonly SignatureJudgement[];
  /** What was signed: of a file signed in line only that, and not what stands around it. */
  readonly signed: Uint8Array;
}

/** Runs gpgv over signed content, with these keyrings and no others; `workDir` is an empty private folder. */
export async function runGpgv(
  { content, signature }: SignedContent,
  keyrings: readonly string[],
  workDir: string,
  signal?: AbortSignal,
): Promise<GpgvResult> {
  await checkGpgv();
  const [contentFile, signatureFile, output] = ["content", "signature", "signed"]
    .map((name) => join(workDir, name)) as [string, string, string];
  await Deno.writeFile(contentFile, content);
  if (signature !== undefined) await Deno.writeFile(signatureFile, signature);
  const files = signature === undefined ? ["--output", output, contentFile] : [signatureFile, contentFile];
  const argv = [
    "gpgv",
    ...["--homedir", workDir, "--quiet", "--status-fd", "1"],
    ...keyrings.flatMap((path) => ["--keyring", path]),
    ...files,
  ];
  // 1 is a bad signature, 2 everything else that is wrong; the status lines tell which.
  const { stdout } = await run(argv, { signal, okStatus: [0, 1, 2] });
  const signed = signature === undefined ? await readBytesIfThere(output) : content;
  return { judgements: readStatus(stdout), signed: signed ?? new Uint8Array() };
}

const packages: Record<PackageManager, string> = {
  "apt-get": "gpgv",
  dnf: "gnupg2",
  pacman: "gnupg",
  zypper: "gpg2",
  apk: "gpgv",
  brew: "gnupg",
};

/** Throws {@linkcode HostError} with the package to install when this host has no gpgv. */
export async function checkGpgv(): Promise<void> {
  if (await which("gpgv") !== undefined) return;
  const manager = await findPackageManager();
  throw new HostError("Cannot verify a signature: gpgv is not installed or not on PATH", {
    hint: manager === undefined
      ? "Install GnuPG, which brings it."
      : `Type: ${installWith(manager, [packages[manager]])}`,
  });
}
