import { UsageError } from "../errors.ts";
import { readTextIfThere } from "../files.ts";
import { missingFile } from "../missing_file.ts";
import { writtenPath } from "../paths.ts";
import type { HostTools } from "./target.ts";

/** The certificates that a target's `ca_file` names, in PEM; throws {@linkcode UsageError} where there are none. */
export async function readCaFile(
  caFile: string,
  baseDir: string,
  { env }: Pick<HostTools, "env">,
): Promise<string> {
  const path = writtenPath(caFile, baseDir, env);
  const text = await readTextIfThere(path);
  const hint = "`ca_file` is the certificate of the authority that signed the server's own.";
  if (text === undefined) throw await missingFile(path, { what: "ca_file", hint });
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new UsageError(`${path} holds no certificate in PEM`, { hint });
}
