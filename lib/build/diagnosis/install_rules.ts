import { preseedAnswer } from "../../installer/debian_questions.ts";
import type { Evidence } from "./evidence.ts";
import { clue, type Finding, settled } from "./finding.ts";
import { readWaitingScreen, type WaitingScreen } from "./waiting_screen.ts";
import { sentence, silence, watchHint } from "./wording.ts";

function waitingScreen(evidence: Evidence): WaitingScreen | undefined {
  if (evidence.phase !== "install" || !settled(evidence)) return undefined;
  return readWaitingScreen(evidence.serial.last);
}

const saidBy = ({ text }: WaitingScreen): string => text.replace(/^!! ?/, "");

function hasAnswers({ phase, install }: Evidence): boolean {
  return phase !== "install" || install === undefined || install.fetched.includes(install.answerFile);
}

const networkHint =
  "Look at build.qemuArgs of the profile, and whether this QEMU has user networking (slirp) built in.";

function answersHint({ install }: Evidence): string {
  const what = install === undefined || install.refused.length === 0
    ? "No request came from it: look at build.kernelArgs of the profile."
    : `It asked for what there is not: ${install.refused.slice(-3).join(", ")}.`;
  return `${what} ${watchHint}`;
}

/** A full disk in the guest, once the installer has stopped over it: a program may have got along without the room. */
export function guestDiskFull(evidence: Evidence): Finding | undefined {
  const screen = waitingScreen(evidence);
  if (screen === undefined && clue(evidence, "late-command") === undefined) return undefined;
  const why = clue(evidence, "disk-full")?.line ??
    (screen && /\btoo small\b/i.test(screen.text) ? saidBy(screen) : undefined);
  if (why === undefined) return undefined;
  return {
    code: "disk-full",
    summary: sentence(evidence, `the disk of the guest is full or too small: ${why}`),
    hint: "Give the image a larger disk with build.diskSize in the profile.",
  };
}

/** The late command's own word that it failed. */
export function lateCommandFailed(evidence: Evidence): Finding | undefined {
  const found = clue(evidence, "late-command");
  return found && {
    code: "late-command-failed",
    summary: sentence(evidence, `${found.meaning}: ${found.line}`),
    hint: `What installs.d did is in installer.log of the build's folder. ${watchHint}`,
  };
}

/** An error dialog, which nobody is there to close. */
export function errorDialog(evidence: Evidence): Finding | undefined {
  const screen = waitingScreen(evidence);
  if (screen?.kind !== "message") return undefined;
  const under = screen.title === "" ? "" : ` under ${JSON.stringify(screen.title)}`;
  const summary = sentence(evidence, `an error dialog${under} waits for a key: ${saidBy(screen)}`);
  if (/Network autoconfiguration failed/.test(screen.text)) {
    return { code: "no-dhcp", summary, hint: networkHint };
  }
  if (!hasAnswers(evidence) && /preconfiguration/.test(screen.text)) {
    return { code: "answers-never-fetched", summary, hint: answersHint(evidence) };
  }
  return { code: "installer-error", summary, hint: watchHint };
}

/** A question, which nobody is there to answer. */
export function question(evidence: Evidence): Finding | undefined {
  const screen = waitingScreen(evidence);
  if (screen?.kind !== "question") return undefined;
  const answer = preseedAnswer(screen.subject);
  return {
    code: "installer-question",
    summary: sentence(
      evidence,
      `the installer asks what no answer file has answered: ${JSON.stringify(screen.subject)}` +
        (screen.title === "" ? "" : ` under ${JSON.stringify(screen.title)}`),
    ),
    hint: `Answer it in preseeds.d or in the profile${
      answer === undefined ? "" : `, such as: answers: [${JSON.stringify(answer)}]`
    }`,
  };
}

/** Other words of an installer that it will not go on by itself. */
export function installerStopped(evidence: Evidence): Finding | undefined {
  const asks = clue(evidence, "installer-question");
  const found = asks ?? (settled(evidence) ? clue(evidence, "installer-error") : undefined);
  return found && {
    code: asks === undefined ? "installer-error" : "installer-question",
    summary: sentence(evidence, `${found.meaning}: ${found.line}`),
    hint: watchHint,
  };
}

/** QEMU ended in good order, but nobody has ever told the installer what to install. */
export function endedWithoutAnswers(evidence: Evidence): Finding | undefined {
  return hasAnswers(evidence) ? undefined : {
    code: "answers-never-fetched",
    summary: sentence(evidence, "the installer ended without its answers"),
    hint: answersHint(evidence),
  };
}

/** It was at work until the end of its time. */
export function installTimeout(evidence: Evidence): Finding | undefined {
  return evidence.phase !== "install" ? undefined : {
    code: "install-timeout",
    summary: sentence(evidence, `it was not done within ${evidence.deadlineMs / 60_000} minutes`),
    hint: `Allow more with build.installTimeoutMinutes in the profile. ${watchHint}`,
  };
}

/** It was silent while it asked for an address. */
export function noDhcp(evidence: Evidence): Finding | undefined {
  // Its log comes over the network too.
  if (hasAnswers(evidence) || evidence.install?.logLines !== 0) return undefined;
  const asking = evidence.serial.last.findLast((line) => /\bDHCP\b/i.test(line));
  return asking === undefined ? undefined : {
    code: "no-dhcp",
    summary: sentence(evidence, `the installer got no address by DHCP: ${asking.trim()}`),
    hint: networkHint,
  };
}

/** It was silent, and had not asked for its answers. */
export function answersNotFetched(evidence: Evidence): Finding | undefined {
  return hasAnswers(evidence) ? undefined : {
    code: "answers-never-fetched",
    summary: sentence(
      evidence,
      `there was no sign of progress for ${silence(evidence)}, and its answers were never fetched`,
    ),
    hint: answersHint(evidence),
  };
}

/** It was silent. */
export function installStalled(evidence: Evidence): Finding | undefined {
  return evidence.phase !== "install" ? undefined : {
    code: "install-stalled",
    summary: sentence(evidence, `there was no sign of progress for ${silence(evidence)}`),
    hint: `Where silence is no bad sign, allow more of it with build.stallMinutes. ${watchHint}`,
  };
}
