import { Buffer } from "node:buffer";
import { setTimeout as sleep } from "node:timers/promises";

/** A program that runs in a terminal of its own. */
export interface Pty extends AsyncDisposable {
  /** Everything that came to the screen, a byte for each character. */
  screen(): string;
  type(text: string): Promise<void>;
  /** Waits until the screen shows this, after what was shown when it was last waited for; returns the match. */
  see(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** The exit status of the program. */
  readonly ended: Promise<number>;
}

/** Runs a shell script in a pseudo-terminal, by util-linux's script(1), which every Debian has. */
export function openPty(command: string, env: Readonly<Record<string, string>>): Pty {
  const child = new Deno.Command("script", {
    args: ["--quiet", "--flush", "--return", "--command", command, "/dev/null"],
    env: { ...env, SHELL: "/bin/sh", TERM: "xterm" },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  let text = "";
  let seen = 0;
  let over = false;
  const reading = (async () => {
    for await (const chunk of child.stdout) text += Buffer.from(chunk).toString("latin1");
    over = true;
  })();
  const ended = reading.then(async () => (await child.status).code);
  return {
    screen: () => text,
    type: (keys) => writer.write(Buffer.from(keys, "latin1")),
    async see(pattern, timeoutMs = 10_000) {
      const endMs = performance.now() + timeoutMs;
      for (;;) {
        const match = pattern.exec(text.slice(seen));
        if (match !== null) {
          seen += match.index + match[0].length;
          return match;
        }
        if (over || performance.now() > endMs) {
          throw new Error(
            `${pattern} did not come to the screen: ${JSON.stringify(text.slice(seen).slice(-300))}`,
          );
        }
        await sleep(5);
      }
    },
    ended,
    async [Symbol.asyncDispose]() {
      if (!over) child.kill("SIGKILL"); // Its end of the terminal is closed: whoever is at the other one is hung up on.
      await ended;
      await writer.close().catch(() => {});
    },
  };
}
