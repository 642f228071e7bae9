import assert from "node:assert/strict";
import { join } from "node:path";
import { run, type Running, start } from "../../lib/process.ts";
import { folderWith } from "./sources.ts";

const main = join(import.meta.dirname ?? ".", "..", "..", "main.ts");

function argv(project: string, ...args: string[]): string[] {
  return [Deno.execPath(), "run", "-A", main, "--project", project, "serve", ...args];
}

function project(profile = "{}", more: Record<string, string> = {}): ReturnType<typeof folderWith> {
  return folderWith({ "pim.yml": "", "profiles.d/web.ts": `export default ${profile};\n`, ...more });
}

/** Starts `pim serve` and waits until it has printed its boot parameters. */
async function serve(
  folder: string,
  ...args: string[]
): Promise<{ pim: Running; output: string[]; port: number }> {
  const output: string[] = [];
  const ready = Promise.withResolvers<number>();
  const pim = start(argv(folder, "web", "--port", "0", ...args), {
    env: { XDG_CONFIG_HOME: join(folder, "none"), NO_COLOR: "1" },
    onStdout: (line) => {
      output.push(line);
      const port = /"port":(\d+)/.exec(line)?.[1] ??
        (/^ {2}\S+.*=/.test(line) ? /:(\d+)\//.exec(line)?.[1] : undefined);
      if (port !== undefined) ready.resolve(Number(port));
    },
  });
  pim.ended.then(() => ready.reject(new Error(`it ended: ${pim.stderr()}`)));
  return { pim, output, port: await ready.promise };
}

Deno.test("pim serve prints what to type, logs requests with client and status, and Ctrl-C ends it", async () => {
  await using folder = await project('{ iso: "debian-12-{arch}-netinst", password: "geheim1" }');
  const { pim, output, port } = await serve(folder.path);
  for (const path of ["/preseed.cfg", "/install.sh", "/etc/passwd"]) {
    await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  }
  pim.kill("SIGINT");
  assert.deepEqual(await pim.ended, { code: 0, signal: null });
  assert.ok(
    output.includes(`  auto=true priority=critical url=http://10.0.2.2:${port}/preseed.cfg hostname=web`),
    output.join("\n"),
  );
  assert.ok(!output.join().includes("Ubuntu"));
  assert.match(pim.stderr(), /127\.0\.0\.1 GET \/preseed\.cfg 200 \d+ bytes/);
  assert.match(pim.stderr(), /127\.0\.0\.1 GET \/etc\/passwd 404 /);
});

Deno.test("pim serve --json prints one object at the start and one for each request", async () => {
  await using folder = await project('{ installer: "ubuntu" }');
  const { pim, output, port } = await serve(folder.path, "--json", "--serial", "--arch", "arm64");
  await (await fetch(`http://127.0.0.1:${port}/meta-data`)).text();
  pim.kill("SIGTERM");
  await pim.ended;
  const [serving, request] = output.map((line) => JSON.parse(line));
  assert.equal(serving.boot.debian, undefined);
  assert.match(
    serving.boot.ubuntu.installer,
    /^boot=casper autoinstall "ds=nocloud-net;s=http.*\/" .*console=ttyAMA0/,
  );
  assert.deepEqual([request.event, request.path, request.status], ["request", "/meta-data", 200]);
});

Deno.test("pim serve does not start with a template that is wrong", async () => {
  await using folder = await project('{ installer: "debian" }', {
    "preseeds.d/web.cfg.eta": "\n<%= it.usernam %>\n",
  });
  const options = { env: { XDG_CONFIG_HOME: join(folder.path, "none"), NO_COLOR: "1" }, okStatus: [2] };
  const { stderr } = await run(argv(folder.path, "web", "--port", "0"), options);
  assert.match(stderr, /web\.cfg\.eta:2: it\.usernam is not defined[^]*Did you mean it\.username\?/);
});

Deno.test("pim serve refuses a port that is none", async () => {
  await using folder = await project();
  const options = { env: { XDG_CONFIG_HOME: join(folder.path, "none"), NO_COLOR: "1" }, okStatus: [2] };
  const { stderr } = await run(argv(folder.path, "web", "--port", "70000"), options);
  assert.match(stderr, /70000 is no TCP port/);
});
