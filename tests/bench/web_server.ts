import { join } from "node:path";
import { run, start, which } from "../../lib/process.ts";
import { unpackPackage } from "../demo/packages.ts";
import { benchFolder } from "./facts.ts";

/** A web server that people use, in a process of its own on the loopback; dispose of it to end it. */
export interface WebServer extends AsyncDisposable {
  readonly url: string;
}

/** Serves a folder with nginx, which is unpacked and not installed where it is missing. */
export async function serveFolder(folder: string, home: string): Promise<WebServer> {
  const nginx = await which("nginx") ?? await unpackedNginx();
  const port = freePort();
  await Deno.mkdir(join(home, "tmp"), { recursive: true });
  const config = join(home, "nginx.conf");
  await Deno.writeTextFile(config, configText(folder, home, port));
  const server = start([nginx, "-p", home, "-c", config, "-e", join(home, "error.log")]);
  const url = `http://127.0.0.1:${port}`;
  await run([
    "curl",
    "-s",
    "--retry",
    "50",
    "--retry-connrefused",
    "--retry-delay",
    "0",
    "-o",
    "/dev/null",
    url,
  ]);
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.kill("SIGTERM");
      await server.ended;
    },
  };
}

async function unpackedNginx(): Promise<string> {
  const folder = join(benchFolder(), "nginx");
  await Deno.mkdir(benchFolder(), { recursive: true });
  await unpackPackage("nginx", folder);
  return join(folder, "usr/sbin/nginx");
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function configText(folder: string, home: string, port: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${home}/tmp;`).join("\n");
  return `${Deno.uid() === 0 ? "user root;\n" : ""}daemon off;
worker_processes 1;
pid ${home}/nginx.pid;
events { worker_connections 128; }
http {
  access_log off;
  sendfile on;
${temporary}
  server { listen 127.0.0.1:${port}; root ${folder}; }
}
`;
}
