import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Evidence } from "../../../lib/build/diagnosis/evidence.ts";
import type { ReasonCode } from "../../../lib/build/diagnosis/reason.ts";
import { diagnose, type Moment } from "../../../lib/build/diagnosis/rules.ts";
import { exitCode } from "../../../lib/errors.ts";

const nothing: Omit<Evidence, "phase"> = {
  elapsedMs: 60_000,
  quietMs: 0,
  deadlineMs: 600_000,
  serial: { seen: true, last: ["[    0.0] Linux version 6.1"] },
  clues: [],
  qemu: {},
  writtenBytes: 0,
};

const installing = { answerFile: "/preseed.cfg", fetched: [], refused: [], logLines: 0, lastLogLines: [] };

function install(more: Partial<Evidence> = {}): Evidence {
  return { ...nothing, phase: "install", install: installing, ...more };
}

function boot(more: Partial<Evidence> = {}): Evidence {
  return { ...nothing, phase: "boot", ssh: { user: "ann", stage: "port open" }, ...more };
}

function script(more: Partial<Evidence> = {}, last: readonly string[] = []): Evidence {
  return { ...nothing, phase: "script", script: { name: "web", last }, ...more };
}

const fetched = { ...installing, fetched: ["/preseed.cfg"], logLines: 12 };
const silent = { serial: { seen: false, last: [] } };
const panic = { kind: "kernel-panic", meaning: "the kernel gave up", line: "Kernel panic: VFS" } as const;
const late = { kind: "late-command", meaning: "the late command failed", line: "pim: failed" } as const;
const full = { kind: "disk-full", meaning: "no space left", line: "cp: No space left on device" } as const;
const question = (...lines: readonly string[]) => ({
  quietMs: 5000,
  serial: { seen: true, last: ["Set up users and passwords", "-----", ...lines, "Prompt: '?' for help> "] },
});
const dialog = (title: string, ...lines: readonly string[]) => ({
  quietMs: 5000,
  serial: { seen: true, last: [title, "-----", ...lines, "[Press enter to continue] "] },
});

const cases: readonly [string, Evidence, Moment, ReasonCode | undefined][] = [
  ["an installer at work", install(), "seen", undefined],
  ["a boot at work", boot(), "seen", undefined],
  ["a script at work", script(), "seen", undefined],
  ["a script that ended", script(), "ended", undefined],
  ["an installer that ended with its answers", install({ install: fetched }), "ended", undefined],
  ["an installer that ended without", install(), "ended", "answers-never-fetched"],

  ["a panic", install({ clues: [panic] }), "seen", "kernel-panic"],
  ["a panic of the installed system", boot({ clues: [panic] }), "seen", "kernel-panic"],
  ["a panic during a script", script({ clues: [panic] }), "seen", "kernel-panic"],
  ["a panic that QEMU was told of", install({ qemu: { panicked: true } }), "ended", "kernel-panic"],
  ["a host without room", script({ qemu: { ioError: { nospace: true, text: "" } } }), "seen", "disk-full"],
  [
    "another error of its disk",
    script({ qemu: { ioError: { nospace: false, text: "" } } }),
    "seen",
    undefined,
  ],
  ["a signal", install({ install: fetched, qemu: { shutdown: "host-signal" } }), "ended", "qemu-died"],
  ["a reboot", install({ install: fetched, qemu: { shutdown: "guest-reset" } }), "ended", undefined],

  ["a late command", install({ clues: [late] }), "seen", "late-command-failed"],
  ["a late command on a full disk", install({ clues: [late, full] }), "seen", "disk-full"],
  ["a full disk that stopped nothing", install({ clues: [full] }), "seen", undefined],
  ["a question just drawn", install({ ...question("Username:"), quietMs: 500 }), "seen", undefined],
  ["a question", install(question("Username for your account:")), "seen", "installer-question"],
  ["an error", install(dialog("Configure apt", "!! ERROR: Bad mirror")), "seen", "installer-error"],
  [
    "a disk too small for the installer",
    install(dialog("Install", "!! ERROR: No", "The disk /dev/vda is too small: 460 MiB are needed.")),
    "seen",
    "disk-full",
  ],
  [
    "no DHCP",
    install(dialog("Configure the network", "Network autoconfiguration failed")),
    "seen",
    "no-dhcp",
  ],
  [
    "no preseed",
    install(dialog("Download", "!! ERROR: Failed to retrieve the preconfiguration file")),
    "seen",
    "answers-never-fetched",
  ],
  [
    "a file that the preseed includes",
    install({
      install: fetched,
      ...dialog("Download", "!! ERROR: Failed to retrieve the preconfiguration file"),
    }),
    "seen",
    "installer-error",
  ],

  ["silence from the beginning", install(silent), "stalled", "kernel-not-started"],
  ["a silent boot", boot(silent), "stalled", "kernel-not-started"],
  [
    "a silent boot whose agent answers",
    boot({ ...silent, agent: { answers: true, addresses: ["10.0.2.15"] } }),
    "stalled",
    "no-ssh",
  ],
  [
    "silence while it asks for an address",
    install({ serial: { seen: true, last: ["Configuring the network with DHCP  ... 4%"] } }),
    "stalled",
    "no-dhcp",
  ],
  ["silence before the answers", install(), "stalled", "answers-never-fetched"],
  ["silence later", install({ install: fetched }), "stalled", "install-stalled"],
  ["a slow installer", install({ install: fetched }), "deadline", "install-timeout"],
  ["a slow installer without answers", install(), "deadline", "install-timeout"],
  ["no network", boot({ agent: { answers: true, addresses: [] } }), "stalled", "no-network"],
  ["no SSH", boot({ agent: { answers: false, addresses: [] } }), "deadline", "no-ssh"],
  ["a refused login", boot({ ssh: { user: "ann", stage: "login refused" } }), "deadline", "login-refused"],
  ["a silent script", script(), "stalled", "script-hung"],
  ["a slow script", script(), "deadline", "script-timeout"],
  ["a failed script", script({ script: { name: "web", last: [], status: 3 } }), "ended", "script-failed"],
  [
    "a script on a full disk",
    script({ script: { name: "web", last: ["head: write error: No space left on device"], status: 1 } }),
    "ended",
    "disk-full",
  ],
  [
    "emergency mode",
    boot({
      quietMs: 4000,
      clues: [{ kind: "boot-stopped", meaning: "systemd stopped", line: "You are in" }],
    }),
    "seen",
    "boot-stopped",
  ],
];

for (const [what, evidence, moment, code] of cases) {
  Deno.test(`${what} (${evidence.phase}, ${moment}) is ${code ?? "no reason"}`, () => {
    equal(diagnose(evidence, moment)?.code, code);
  });
}

Deno.test("a reason that is final holds at every moment, a silence only in the end", () => {
  const moments: readonly Moment[] = ["seen", "stalled", "deadline", "ended"];
  deepEqual(moments.map((moment) => diagnose(install({ clues: [panic] }), moment)?.final), [
    true,
    true,
    true,
    true,
  ]);
  deepEqual(moments.map((moment) => diagnose(script(), moment)?.final), [
    undefined,
    false,
    false,
    undefined,
  ]);
});

Deno.test("a question is told with its title and the line of a preseed that answers it", () => {
  const { summary = "", hint = "" } = diagnose(install(question("Username for your account:")), "seen") ?? {};
  match(summary, /"Username for your account" under "Set up users and passwords"/);
  match(hint, /answers: \["d-i passwd\/username string NAME"\]/);
  const unknown = diagnose(install(question("What is this?")), "seen");
  ok(unknown?.hint?.endsWith("in the profile"), unknown?.hint);
});

Deno.test("an installer that asked for the wrong files is told which", () => {
  const evidence = install({ install: { ...installing, refused: ["GET /wrong.cfg: 404"] } });
  match(diagnose(evidence, "stalled")?.hint ?? "", /It asked for what there is not: GET \/wrong\.cfg: 404/);
});

Deno.test("exit codes follow the phase: 6 for waiting in vain, 7 for a script, 3 for a host without room", () => {
  const code = (evidence: Evidence, moment: Moment) => diagnose(evidence, moment)?.exitCode;
  equal(code(install(), "stalled"), exitCode.timeout);
  equal(code(boot(), "stalled"), exitCode.timeout);
  equal(code(script(), "stalled"), exitCode.provisioning);
  equal(code(script({ clues: [panic] }), "seen"), exitCode.timeout);
  equal(code(boot({ qemu: { ioError: { nospace: true, text: "" } } }), "seen"), exitCode.host);
  equal(code(install({ qemu: { shutdown: "host-signal" } }), "ended"), exitCode.failure);
});
