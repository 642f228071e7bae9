// deno-lint-ignore-file no-console -- a script that talks to whoever runs it
// `deno task recording`: runs session.sh in a real terminal with a real build of the demo, writes what came to the
// screen and when to docs/demo.cast (asciicast v2, which asciinema plays), and draws docs/demo.svg from it.
import { join } from "node:path";
import { denoDir } from "../../tests/cli/pim.ts";
import { demoIso } from "../../tests/demo/make_iso.ts";
import { demoPackages, ensurePackages } from "../../tests/demo/packages.ts";
import { writeDemoProject } from "../../tests/demo/project.ts";
import { type Recording, writeCast } from "./cast.ts";
import { drawSvg } from "./svg.ts";

const here = import.meta.dirname ?? ".";
const root = join(here, "../..");
const size = { columns: 100, rows: 30 };

/** A user whose home is empty but for the demo's project and `pim`: the environment that they work in. */
async function newUser(home: string): Promise<Record<string, string>> {
  const bin = join(home, "bin");
  await Deno.mkdir(bin, { recursive: true });
  const argv = [Deno.execPath(), "run", "-A", "--unstable-lazy-dynamic-imports", join(root, "main.ts")];
  await Deno.writeTextFile(join(bin, "pim"), `#!/bin/sh\nexec ${argv.join(" ")} "$@"\n`, { mode: 0o755 });
  return {
    PATH: `${bin}:${Deno.env.get("PATH")}`,
    HOME: home,
    XDG_RUNTIME_DIR: join(home, "run"),
    DENO_DIR: await denoDir(),
    DENO_NO_UPDATE_CHECK: "1",
    TERM: "xterm-256color",
    LANG: "C.UTF-8",
  };
}

/** Runs the session in a terminal of its own. The home folder, whose name is random, is written as ~. */
async function record(env: Readonly<Record<string, string>>): Promise<Recording> {
  const { columns, rows } = size;
  const child = new Deno.Command("script", {
    args: [
      ...["--quiet", "--flush", "--return", "--command"],
      `stty cols ${columns} rows ${rows}; exec bash ${join(here, "session.sh")}`,
      "/dev/null",
    ],
    env,
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const begin = performance.now();
  const decoder = new TextDecoder();
  const events: [number, string][] = [];
  for await (const chunk of child.stdout) {
    events.push([
      (performance.now() - begin) / 1000,
      decoder.decode(chunk, { stream: true }).replaceAll(env.HOME ?? "", "~"),
    ]);
  }
  const { code } = await child.status;
  if (code !== 0) {
    throw new Error(`The session ended with ${code}:\n${events.map(([, text]) => text).join("")}`);
  }
  return { ...size, events };
}

if (import.meta.main) {
  await ensurePackages(demoPackages);
  const iso = await demoIso({ onProgress: (line) => console.log(line) });
  const home = await Deno.makeTempDir({ prefix: "pim-recording-" });
  const env = await newUser(home);
  try {
    await writeDemoProject(join(home, "images"), iso);
    const recording = await record(env);
    await Deno.writeTextFile(join(here, "../demo.cast"), writeCast(recording));
    await Deno.writeTextFile(join(here, "../demo.svg"), await drawSvg(recording));
  } finally {
    // A session that failed may have left its VM.
    await new Deno.Command(join(home, "bin/pim"), {
      args: ["--quiet", "stop", "--all", "--force"],
      env,
      clearEnv: true,
    })
      .output();
    await Deno.remove(home, { recursive: true });
  }
}
