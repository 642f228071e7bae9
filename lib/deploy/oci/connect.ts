import { messageOf, UsageError } from "../../errors.ts";
import { writtenPath } from "../../paths.ts";
import type { HostTools } from "../target.ts";
import { storedCredentials } from "./credentials.ts";
import { RegistryClient } from "./registry_client.ts";
import type { Settings } from "./settings.ts";

/** A registry that is to be talked to. */
export interface Connection {
  readonly host: string;
  /** The repository that credentials are looked up for. */
  readonly repository: string;
  /** The folder that relative paths start from. */
  readonly baseDir: string;
}

/** Opens a registry with a target's login, or with the one that other tools have stored. Nothing is sent yet. */
export async function connect(
  { host, repository, baseDir }: Connection,
  { insecure, ca_file, username, password }: Pick<Settings, "insecure" | "ca_file" | "username" | "password">,
  { env, signal, secret }: Pick<HostTools, "env" | "signal" | "secret">,
): Promise<RegistryClient> {
  const caFile = ca_file && writtenPath(ca_file, baseDir, env);
  return new RegistryClient({
    ...{ host, signal },
    ...(insecure !== undefined && { insecure }),
    ...(caFile !== undefined && { caCerts: [await readCertificates(caFile)] }),
    async credentials() {
      if (username === undefined || password === undefined) {
        return await storedCredentials(host, repository, { env, signal });
      }
      return { username, password: await secret(password, baseDir) };
    },
  });
}

async function readCertificates(path: string): Promise<string> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw new UsageError(`Cannot read the ca_file ${path}: ${messageOf(cause)}`, { cause });
  }
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new UsageError(`${path} holds no certificate in PEM`, {
    hint: "`ca_file` is the certificate of the authority that signed the registry's own.",
  });
}
