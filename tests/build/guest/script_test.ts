import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import {
  type GuestScript,
  runGuestScript,
  scriptEnvironment,
  ScriptError,
} from "../../../lib/build/guest/script.ts";
import { CancelledError, exitCode, PimError } from "../../../lib/errors.ts";
import { resolveProfile } from "../../../lib/profile/resolved.ts";
import type { Profile } from "../../../lib/profile/types.ts";
import { connectSsh, type SshSession } from "../../../lib/ssh/session.ts";
import { startSshd } from "../../ssh/sshd.ts";

interface Guest {
  readonly ssh: SshSession;
  /** The home of the user who logs in, and a folder on PATH before all others. */
  readonly home: string;
  readonly bin: string;
  run(content: string, more?: Partial<GuestScript>, profile?: Profile): Promise<string[]>;
}

/** A guest of a real sshd whose user has a home of its own. */
async function inGuest(test: (guest: Guest) => Promise<void>, username?: string): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "pim-guest-" });
  const [home, bin] = [join(dir, "home"), join(dir, "bin")];
  await Deno.mkdir(home);
  await Deno.mkdir(bin);
  // ForceCommand changes to the home: that of the user who runs the tests is left alone.
  await using sshd = await startSshd({
    config: [
      "Subsystem sftp internal-sftp",
      `ForceCommand cd ${home} && case $SSH_ORIGINAL_COMMAND in ` +
      'internal-sftp) exec /usr/lib/openssh/sftp-server;; *) eval "$SSH_ORIGINAL_COMMAND";; esac',
      // At this level bash leaves out ~/.bashrc, whatever the one of this machine does.
      `SetEnv PATH=${bin}:/usr/bin:/bin SHLVL=2`,
    ],
  });
  const { port, key } = sshd;
  await using session = await connectSsh({
    host: "127.0.0.1",
    port,
    username: sshd.username,
    auth: [{ privateKey: key.privateKey }],
    timeoutMs: 10_000,
  });
  // Who the session says it is decides whether sudo is asked for.
  const ssh: SshSession = { ...session, username: username ?? "root" };
  const run = async (content: string, more: Partial<GuestScript> = {}, profile: Profile = {}) => {
    const lines: string[] = [];
    await runGuestScript(ssh, resolveProfile("web", profile, "amd64"), {
      name: "probe",
      content,
      env: {},
      timeoutMs: 10_000,
      signal: new AbortController().signal,
      onLine: (line) => lines.push(line),
      ...more,
    });
    return lines;
  };
  try {
    await test({ ssh, home, bin, run });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a script gets its variables whatever they contain, and its lines come back whole", async () => {
  await inGuest(async ({ run }) => {
    const value = `it's "quoted" $HOME \`id\` \\ back\nsecond line\n`;
    const lines = await run(
      `#!/bin/sh\nprintf '%s|' "$VALUE" "$EMPTY"; echo; echo "käse" >&2; printf 'no end'\n`,
      {
        env: { VALUE: value, EMPTY: "" },
      },
    );
    deepEqual(lines.filter((line) => line !== "käse"), [...`${value}||`.split("\n"), "no end"]);
    ok(lines.includes("käse"));
  });
});

Deno.test("lines arrive while the script runs", async () => {
  await inGuest(async ({ home, run }) => {
    await run(`#!/bin/sh\necho ready\nwhile [ ! -e go ]; do sleep 0.02; done\n`, {
      onLine: (line) => line === "ready" && Deno.writeTextFileSync(join(home, "go"), ""),
    });
  });
});

Deno.test("a script runs by its own first line, from text or from bytes", async () => {
  await inGuest(async ({ run }) => {
    const bash = "#!/bin/bash\nwords=(a b c)\necho ${#words[@]}\n";
    deepEqual(await run(bash), ["3"]);
    deepEqual(await run("", { content: new TextEncoder().encode(bash) }), ["3"]);
    deepEqual(await run("echo no first line\n"), ["no first line"]);
  });
});

Deno.test("scripts and their variables are for the guest's user only, and finalize can find them", async () => {
  await inGuest(async ({ home, run }) => {
    await run("#!/bin/sh\n", { env: { SECRET: "x" } });
    const mode = async (name: string) => (await Deno.stat(join(home, name))).mode! & 0o777;
    equal(await mode(".pim-build"), 0o700);
    equal(await mode(".pim-build/probe"), 0o700);
    equal(await mode(".pim-build/probe.env"), 0o600);
  });
});

Deno.test("a failing script reports its status and its last lines, with exit code 7", async () => {
  await inGuest(async ({ run }) => {
    await rejects(run("#!/bin/sh\nseq 1 40\necho the reason >&2\nprintf 'the end'\nexit 42\n"), (error) => {
      ok(error instanceof ScriptError, String(error));
      deepEqual([error.status, error.exitCode], [42, exitCode.provisioning]);
      match(error.message, /^The script probe exited with 42\. Its last lines:\n( {2}\| \d+\n)+/);
      match(error.message, / {2}\| the reason(\n|$)/);
      match(error.message, / {2}\| the end(\n|$)/);
      ok(!error.message.includes("| 20\n"));
      return true;
    });
    await rejects(run("#!/bin/sh\nexit 1\n"), /probe exited with 1 and wrote nothing/);
    await rejects(run("#!/bin/sh\nkill -KILL $$\n"), /probe (was ended by SIGKILL|exited with 137)/);
    await rejects(run("#!/nowhere/sh\n"), /probe exited with 12[67]/);
  });
});

Deno.test("a script that takes too long is a failed script, a cancelled one is not", async () => {
  await inGuest(async ({ run }) => {
    await rejects(run("#!/bin/sh\nprintf 'still here'\nsleep 10\n", { timeoutMs: 3000 }), (error) => {
      ok(error instanceof ScriptError, String(error));
      match(error.message, /probe was not done within 0\.05 minutes\. Its last lines:\n {2}\| still here/);
      return true;
    });
    const controller = new AbortController();
    const onLine = () => controller.abort(new CancelledError());
    await rejects(
      run("#!/bin/sh\necho on\nsleep 5\n", { signal: controller.signal, onLine }),
      CancelledError,
    );
  });
});

// What sudo does is sudo's; how pim talks to it is what these check. `needs` is the password it asks for.
const sudo = (needs: string | undefined) =>
  `#!/bin/sh
echo "$*" >> "$(dirname "$0")/sudo.log"
ask=no
while :; do case $1 in
  -n) ${
    needs === undefined ? ":" : "echo 'sudo: a password is required' >&2; exit 1"
  };; -k) ;; -S) ask=yes;; -p) shift;; *) break;;
esac; shift; done
if [ $ask = yes ]; then read -r password; [ "$password" = "${needs}" ] || exit 1; fi
exec "$@"
`;

Deno.test("a user becomes root by sudo without a password where that is allowed", async () => {
  await inGuest(async ({ bin, run }) => {
    await Deno.writeTextFile(join(bin, "sudo"), sudo(undefined), { mode: 0o755 });
    deepEqual(await run("#!/bin/sh\necho done\n", {}, { password: "unused" }), ["done"]);
    match(await Deno.readTextFile(join(bin, "sudo.log")), /^-n true\n-n sh -c .*\n$/s);
  }, "ann");
});

Deno.test("else by sudo with the profile's password, which the script never gets to read", async () => {
  await inGuest(async ({ bin, run }) => {
    await Deno.writeTextFile(join(bin, "sudo"), sudo("S3cret word"), { mode: 0o755 });
    const reads = '#!/bin/sh\nread -r line || echo "nothing to read"; echo "<$line>"\n';
    deepEqual(await run(reads, {}, { password: "S3cret word" }), ["nothing to read", "<>"]);
    const log = await Deno.readTextFile(join(bin, "sudo.log"));
    ok(!log.includes("S3cret"), "not among the arguments");
    match(log, /^-k -S -p {2}sh /m);
  }, "ann");
});

Deno.test("a way that was found is used again, until a script has changed who may become root", async () => {
  await inGuest(async ({ run, bin }) => {
    const path = join(bin, "sudo");
    await Deno.writeTextFile(path, sudo(undefined), { mode: 0o755 });
    deepEqual(await run("#!/bin/sh\necho one\n"), ["one"]);
    deepEqual(await run("#!/bin/sh\necho two\n"), ["two"]);
    const calls = (await Deno.readTextFile(join(bin, "sudo.log"))).trim().split("\n");
    deepEqual(calls.map((line) => line.slice(0, 7)), ["-n true", "-n sh -", "-n sh -"]);
    await Deno.writeTextFile(path, sudo("S3cret word"), { mode: 0o755 });
    const lines = await run("#!/bin/sh\necho three; cat\n", {}, { password: "S3cret word" });
    equal(lines.at(-1), "three");
    match(lines.slice(0, -1).join("\n"), /^sudo: /);
  }, "ann");
});

Deno.test("else the build fails with what to change", async () => {
  await inGuest(async ({ bin, run }) => {
    await Deno.writeTextFile(join(bin, "sudo"), sudo("right"), { mode: 0o755 });
    for (const profile of [{}, { password: "wrong" }]) {
      await rejects(run("#!/bin/sh\n", {}, profile), (error) => {
        ok(error instanceof PimError);
        equal(error.exitCode, exitCode.provisioning);
        match(error.message, /ann cannot become root in the guest with sudo/);
        match(error.hint ?? "", /password/);
        return true;
      });
    }
  }, "ann");
});

Deno.test("the variables of a build: the profile's own by PIM_VAR_ and their names", () => {
  const profile = resolveProfile("web", {
    username: "ann",
    hostname: "www",
    vars: { "node-version": 20, list: ["a", "b"], flag: true, none: null, text: "t" },
  }, "arm64");
  deepEqual(scriptEnvironment(profile, "arm64"), {
    DEBIAN_FRONTEND: "noninteractive",
    PIM_PROFILE: "web",
    PIM_ARCH: "arm64",
    PIM_USERNAME: "ann",
    PIM_HOSTNAME: "www",
    PIM_VAR_NODE_VERSION: "20",
    PIM_VAR_LIST: '["a","b"]',
    PIM_VAR_FLAG: "true",
    PIM_VAR_NONE: "null",
    PIM_VAR_TEXT: "t",
  });
});
