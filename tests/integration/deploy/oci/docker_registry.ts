import { join } from "node:path";
import { freePort } from "../../../../lib/qemu/ports.ts";
import { tempDir } from "../../../base/temp.ts";

/** A real registry on 127.0.0.1, with a folder of its own. */
export interface DockerRegistry extends AsyncDisposable {
  /** "127.0.0.1:PORT" */
  readonly host: string;
  /** Where it keeps its blobs. */
  readonly root: string;
}

/** How the registry is set up. */
export interface RegistryOptions {
  /** Whether manifests can be removed; yes unless told. */
  readonly deletes?: boolean;
  /** The section `auth` of its configuration. */
  readonly auth?: object;
  /** The section `http.tls` of its configuration. */
  readonly tls?: object;
}

/** Starts Debian's docker-registry. */
export async function dockerRegistry(options: RegistryOptions = {}): Promise<DockerRegistry> {
  const dir = await tempDir();
  const host = `127.0.0.1:${freePort()}`;
  const root = join(dir.path, "root");
  const config = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: root },
      delete: { enabled: options.deletes ?? true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: host, ...(options.tls !== undefined && { tls: options.tls }) },
    ...(options.auth !== undefined && { auth: options.auth }),
  };
  // JSON is YAML, too.
  const file = await dir.write("config.yml", JSON.stringify(config));
  const child = new Deno.Command("docker-registry", {
    args: ["serve", file],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await listening(host, child);
  return {
    ...{ host, root },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await dir[Symbol.asyncDispose]();
    },
  };
}

async function listening(host: string, child: Deno.ChildProcess): Promise<void> {
  let ended = false;
  child.status.then(() => ended = true);
  const [hostname = "", port] = host.split(":");
  while (!ended) {
    try {
      (await Deno.connect({ hostname, port: Number(port) })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error("docker-registry has ended");
}
