import assert from "node:assert/strict";
import { run, which } from "../../../lib/process.ts";

const module = new URL("../../../lib/output.ts", import.meta.url).href;

// What a program writes whose output is a pipe that is non-blocking, small, and read slowly.
const slowReader = `
import fcntl, os, subprocess, sys, time
reader, writer = os.pipe()
fcntl.fcntl(writer, fcntl.F_SETFL, fcntl.fcntl(writer, fcntl.F_GETFL) | os.O_NONBLOCK)
program = subprocess.Popen(sys.argv[1:], stdout=writer)
os.close(writer)
time.sleep(0.3)
while piece := os.read(reader, 65536): os.write(1, piece)
sys.exit(program.wait())
`;

for (
  const [name, write] of [
    ["writeText", "writeText(Deno.stdout, text)"],
    ["writeBytes", "await writeBytes(Deno.stdout, new TextEncoder().encode(text))"],
  ] as const
) {
  Deno.test({
    name: `${name} writes all of a text once to a pipe that has no room for it (needs python3)`,
    ignore: await which("python3") === undefined,
  }, async () => {
    // More than a pipe holds.
    const text = 'const text = Array.from({ length: 30_000 }, (_, line) => `${line} ü`).join("\\n") + "\\n";';
    const program = `import { ${name} } from "${module}"; ${text} ${write};`;
    const { stdout } = await run(["python3", "-c", slowReader, Deno.execPath(), "eval", program]);
    const lines = stdout.split("\n");
    assert.equal(lines.length, 30_001);
    assert.deepEqual(lines.filter((line, index) => line !== `${index} ü`), [""]);
  });
}
