import type { Evidence } from "./evidence.ts";
import { clue, type Finding, settled } from "./finding.ts";
import { debugHint, sentence, silence } from "./wording.ts";

/** A boot that ended at a prompt at which nobody sits. */
export function bootStopped(evidence: Evidence): Finding | undefined {
  const found = clue(evidence, "boot-stopped");
  if (found === undefined || !settled(evidence)) return undefined;
  return {
    code: "boot-stopped",
    summary: sentence(evidence, `${found.meaning}: ${found.line}`),
    hint: debugHint,
  };
}

/** An SSH server is there, but it does not want us. */
export function loginRefused(evidence: Evidence): Finding | undefined {
  if (evidence.phase !== "boot" || evidence.ssh?.stage !== "login refused") return undefined;
  const { user, error } = evidence.ssh;
  return {
    code: "login-refused",
    summary: sentence(evidence, error ?? `SSH refuses the login of ${user}`),
    hint: "Check the user name, and that installs.d gives this user it.buildKey, or the profile a password.",
  };
}

/** The guest agent answers, and knows of no address. */
export function noNetwork(evidence: Evidence): Finding | undefined {
  const { phase, agent } = evidence;
  if (phase !== "boot" || agent?.answers !== true || agent.addresses.length > 0) return undefined;
  return {
    code: "no-network",
    summary: sentence(evidence, "it runs and its guest agent answers, but it has no network address"),
    hint: `Look at how installs.d and the installer configure its network card. ${debugHint}`,
  };
}

/** Nothing else is known than that nobody could log in. */
export function noSsh(evidence: Evidence): Finding | undefined {
  const { phase, ssh, serial, elapsedMs } = evidence;
  if (phase !== "boot") return undefined;
  const prompt = serial.last.some((line) => /\blogin:\s*$/.test(line)) ? "it shows a login prompt, but " : "";
  const last = ssh?.error === undefined ? "" : `. Last: ${ssh.error}`;
  return {
    code: "no-ssh",
    summary: sentence(
      evidence,
      `${prompt}no SSH login was possible within ${Math.round(elapsedMs / 1000)} s${
        agentWords(evidence)
      }${last}`,
    ),
    hint: `Is openssh-server installed and enabled, and the network configured? ${debugHint}`,
  };
}

function agentWords({ agent }: Evidence): string {
  if (agent === undefined) return "";
  return agent.answers
    ? `; its guest agent answers, from ${agent.addresses.join(" and ")}`
    : "; its guest agent does not answer either";
}

/** A script that ended with another status than 0 after the guest's disk was full. */
export function scriptOnFullDisk(evidence: Evidence): Finding | undefined {
  const { script } = evidence;
  const full = script?.last.find((line) => /No space left on device|\bENOSPC\b/.test(line));
  if (script?.status === undefined || full === undefined) return undefined;
  return {
    code: "disk-full",
    summary: `${scriptEnd(evidence)}: the disk of the guest is full`,
    hint: "Give the image a larger disk with build.diskSize in the profile.",
  };
}

/** A script that ended with another status than 0. */
export function scriptFailed(evidence: Evidence): Finding | undefined {
  return evidence.script?.status === undefined ? undefined : {
    code: "script-failed",
    summary: scriptEnd(evidence) + (evidence.script.last.length === 0 ? " and wrote nothing" : ""),
  };
}

function scriptEnd({ script }: Evidence): string {
  const { name, status } = script ?? { name: "" };
  return `The script ${name} ${typeof status === "number" ? `exited with ${status}` : status}`;
}

/** A script that was at work until the end of its time. */
export function scriptTimeout({ phase, script, deadlineMs }: Evidence): Finding | undefined {
  return phase !== "script" ? undefined : {
    code: "script-timeout",
    summary: `The script ${script?.name} was not done within ${deadlineMs / 60_000} minutes`,
    hint: "Allow more with build.scriptTimeoutMinutes in the profile.",
  };
}

/** A script of which nothing is seen any more. */
export function scriptHung(evidence: Evidence): Finding | undefined {
  if (evidence.phase !== "script") return undefined;
  const { name, doing = [] } = evidence.script ?? { name: "" };
  const at = doing.length === 0 ? "" : `, at: ${doing.slice(0, 3).join("; ")}`;
  return {
    code: "script-hung",
    summary: `The script ${name} hangs: for ${
      silence(evidence)
    } it wrote nothing, and the guest was idle${at}`,
    hint:
      "Does it wait for an answer, a lock or the network? Where silence is no bad sign, allow more of it with " +
      "build.stallMinutes in the profile.",
  };
}
