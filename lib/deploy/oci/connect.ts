import { readCaFile } from "../ca_file.ts";
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
  return new RegistryClient({
    ...{ host, signal },
    ...(insecure !== undefined && { insecure }),
    ...(ca_file !== undefined && { caCerts: [await readCaFile(ca_file, baseDir, { env })] }),
    async credentials() {
      if (username === undefined || password === undefined) {
        return await storedCredentials(host, repository, { env, signal });
      }
      return { username, password: await secret(password, baseDir) };
    },
  });
}
