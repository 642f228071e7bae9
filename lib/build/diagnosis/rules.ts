import { exitCode } from "../../errors.ts";
import type { Evidence, Phase } from "./evidence.ts";
import type { Find } from "./finding.ts";
import * as guest from "./guest_rules.ts";
import * as install from "./install_rules.ts";
import * as machine from "./machine_rules.ts";
import type { Reason } from "./reason.ts";

/** When a reason is asked for: something was seen, too long nothing was, time is up, or QEMU has ended in good order. */
export type Moment = "seen" | "stalled" | "deadline" | "ended";

// What cannot change any more counts at every moment.
const final: readonly Moment[] = ["seen", "stalled", "deadline", "ended"];
const inTheEnd: readonly Moment[] = ["stalled", "deadline"];

/** All rules with the moments at which they count. The first that finds something has found the reason. */
const rules: readonly (readonly [readonly Moment[], Find])[] = [
  [final, machine.hostDiskFull],
  [final, machine.kernelPanic],
  [final, machine.qemuEndedBySignal],
  [final, install.guestDiskFull],
  [final, install.lateCommandFailed],
  [final, install.errorDialog],
  [final, install.question],
  [final, install.installerStopped],
  [final, guest.bootStopped],
  [final, guest.scriptOnFullDisk],
  [final, guest.scriptFailed],
  [["ended"], install.endedWithoutAnswers],
  [["deadline"], install.installTimeout],
  [["deadline"], guest.scriptTimeout],
  [inTheEnd, machine.notStarted],
  [inTheEnd, install.noDhcp],
  [inTheEnd, install.answersNotFetched],
  [inTheEnd, install.installStalled],
  [inTheEnd, guest.loginRefused],
  [inTheEnd, guest.noNetwork],
  [inTheEnd, guest.noSsh],
  [inTheEnd, guest.scriptHung],
];

const exitCodes = {
  install: exitCode.timeout,
  boot: exitCode.timeout,
  script: exitCode.provisioning,
} as const satisfies Record<Phase, number>;

/** The reason for which a machine will not do what it runs for, or undefined when nothing speaks against waiting. */
export function diagnose(evidence: Evidence, moment: Moment): Reason | undefined {
  for (const [moments, find] of rules) {
    const found = moments.includes(moment) ? find(evidence) : undefined;
    if (found === undefined) continue;
    return { exitCode: exitCodes[evidence.phase], ...found, final: moments === final };
  }
  return undefined;
}
