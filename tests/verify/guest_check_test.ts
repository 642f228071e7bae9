// The scripts of the checks, run by the real guest agent on this host as if it were the guest.
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { which } from "../../lib/process.ts";
import { resolveProfile } from "../../lib/profile/resolved.ts";
import { identityScript, parseIdentity } from "../../lib/verify/checks/identity.ts";
import { profileChecks } from "../../lib/verify/checks/profile.ts";
import { scriptCheck } from "../../lib/verify/checks/script.ts";
import { buildKey, logs } from "../../lib/verify/checks/traces.ts";
import { runGuestCheck, runScript } from "../../lib/verify/guest_check.ts";
import { failed, passed, skipped } from "../../lib/verify/verification.ts";
import { realAgent, realAgentMissing } from "../qemu/real_agent.ts";
import { fakeBooted } from "./booted.ts";

const { signal } = new AbortController();
const ignore = realAgentMissing;

async function inGuest(
  test: (
    run: (check: Parameters<typeof runGuestCheck>[1]) => ReturnType<typeof runGuestCheck>,
  ) => Promise<void>,
): Promise<void> {
  await using place = await fakeBooted(0);
  await using _agent = await realAgent({ path: place.agentSocket });
  await test((check) => runGuestCheck(place.booted.root, check, signal));
}

Deno.test({
  name: "a system is measured by its profile: user, host name and packages",
  ignore: ignore || await which("dpkg-query") === undefined,
  fn: () =>
    inGuest(async (run) => {
      const right = { username: "root", hostname: Deno.hostname(), packages: ["coreutils", "awk"] };
      for (const check of profileChecks(resolveProfile("web", right, "amd64"))) {
        const outcome = await run(check);
        strictEqual(outcome.result, "passed", `${check.name}: ${outcome.detail}`);
      }
      const wrong = { username: "nobody-here", hostname: "elsewhere", packages: ["no-such-package", "dpkg"] };
      const outcomes = [];
      for (const check of profileChecks(resolveProfile("web", wrong, "amd64"))) {
        outcomes.push(await run(check));
      }
      deepStrictEqual(outcomes, [
        failed("there is no user nobody-here"),
        failed(`it is ${Deno.hostname()}, the profile says elsewhere`),
        failed("not installed: no-such-package"),
      ]);
    }),
});

Deno.test({
  name: "a verification script runs by its own first line, with its variables, in a folder that goes with it",
  ignore,
  fn: () =>
    inGuest(async (run) => {
      const env = { PIM_PROFILE: "web", PIM_VAR_TEXT: "two  words; $HOME `id` 'x'" };
      const lines: string[] = [];
      const script = (content: string, timeoutMs = 30_000) =>
        run(scriptCheck({ name: "web", path: "", env }, content, {
          timeoutMs,
          onLine: (line) => lines.push(line),
        }));
      const good = await script(
        '#!/usr/bin/env -S sh -e\necho "$PIM_PROFILE  $PIM_VAR_TEXT"\necho "  to stderr" >&2\npwd\n',
      );
      strictEqual(good.result, "passed", good.detail);
      deepStrictEqual(lines.slice(0, 2), [`web  ${env.PIM_VAR_TEXT}`, "  to stderr"]);
      match(good.detail, /\/(pim-verify|tmp)\.\w+$/);
      ok(await Deno.stat(good.detail).then(() => false, () => true), "its folder is gone");
      deepStrictEqual(
        await script("#!/bin/sh\necho it rains\nexit 3\n"),
        failed("it exited with 3: it rains"),
      );
      deepStrictEqual(await script("#!/bin/sh\nexit 77\n"), skipped("there is nothing to check"));
      deepStrictEqual(await script("#!/bin/sh\n"), passed("it wrote nothing"));
      match((await script("#!/no/such/shell\n")).detail, /^it exited with 12[67]: /);
    }),
});

Deno.test({
  name: "a script that hangs is ended, and what it said last is told",
  ignore,
  fn: () =>
    inGuest(async (run) => {
      const check = { name: "x", script: "echo so far; sleep 600", timeoutMs: 2000, judge: () => passed("") };
      deepStrictEqual(await run(check), failed("not done within 2 s; it last said: so far"));
    }),
});

Deno.test({
  name:
    "the scripts that look for traces and for identity are understood by this host's programs (needs root)",
  // Not everybody may look into all of /var/log.
  ignore: ignore || Deno.uid() !== 0,
  async fn() {
    await using place = await fakeBooted(0);
    await using _agent = await realAgent({ path: place.agentSocket });
    for (const check of [buildKey, logs, identityScript]) {
      const output = await runScript(place.booted.root, check, signal);
      ok("status" in output);
      deepStrictEqual([output.status, output.stderr], [0, ""], check.script);
      if (check === identityScript) match(parseIdentity(output.stdout).machineId, /^([0-9a-f]{32})?$/);
    }
  },
});

Deno.test({
  name: "a check whose guest is gone has failed",
  ignore,
  async fn() {
    await using place = await fakeBooted(0);
    deepStrictEqual(
      await runGuestCheck(place.booted.root, { name: "x", script: "true", judge: () => passed("") }, signal),
      failed("the machine ended by itself"),
    );
  },
});
