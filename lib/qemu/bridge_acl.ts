import { dirname } from "node:path";
import { messageOf } from "../errors.ts";
import { exists, readTextIfThere } from "../files.ts";

/** One line of qemu-bridge-helper's list of bridges, and where it stands. */
export interface BridgeRule {
  readonly verb: "allow" | "deny";
  /** A bridge, or "all". */
  readonly bridge: string;
  readonly file: string;
}

/** What keeps the helper from working, and the command that changes it. */
export interface Obstacle {
  readonly problem: string;
  readonly remedy: string;
}

/** The bridges that qemu-bridge-helper lets a VM join. */
export interface BridgeAcl {
  readonly file: string;
  readonly rules: readonly BridgeRule[];
  /** Why the helper would refuse every bridge; undefined when the list is in order. */
  readonly broken?: Obstacle;
}

/** Reads the list as the helper does (QEMU's qemu-bridge-helper.c): a mistake in it, or no list, allows nothing. */
export async function readBridgeAcl(file: string): Promise<BridgeAcl> {
  const rules: BridgeRule[] = [];
  let text: string | undefined;
  try {
    text = await readTextIfThere(file);
  } catch (error) {
    // The helper reads it with the rights of the user.
    return { file, rules, broken: { problem: messageOf(error), remedy: `sudo chmod a+r ${file}` } };
  }
  const mistake = await readRules(file, text ?? "", rules, 0);
  if (mistake === undefined) return { file, rules };
  const broken = { problem: `${file} is broken in line ${mistake}`, remedy: `sudoedit ${file}` };
  return { file, rules: [], broken };
}

/** Puts the rules of a file and of those it includes into `rules`; the number of the first bad line, if any. */
async function readRules(
  file: string,
  text: string,
  rules: BridgeRule[],
  depth: number,
): Promise<number | undefined> {
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, verb, rest] = /^\s*(\S+)\s+(\S.*?)\s*$/.exec(line) ?? [];
    if ((verb === "allow" || verb === "deny") && rest !== undefined) rules.push({ verb, bridge: rest, file });
    else if (verb === "include" && rest !== undefined) await includeRules(rest, rules, depth + 1);
    else return index + 1;
  }
  return undefined;
}

/** An included file that cannot be read is passed over, and one with a mistake counts up to there. */
async function includeRules(file: string, rules: BridgeRule[], depth: number): Promise<void> {
  if (depth > 8) return; // Files that include each other.
  const text = await readTextIfThere(file).catch(() => undefined);
  if (text !== undefined) await readRules(file, text, rules, depth);
}

/** Whether a bridge is allowed: nothing is unless it is said, and a `deny` wins over every `allow`. */
export function isAllowed(acl: BridgeAcl, bridge: string): boolean {
  const rules = rulesFor(acl, bridge);
  return rules.some(({ verb }) => verb === "allow") && !rules.some(({ verb }) => verb === "deny");
}

function rulesFor(acl: BridgeAcl, bridge: string): BridgeRule[] {
  return acl.rules.filter((rule) => rule.bridge === "all" || rule.bridge === bridge);
}

/** Why a bridge is not allowed, and the command that changes it; undefined when it is. */
export async function aclObstacle(acl: BridgeAcl, bridge: string): Promise<Obstacle | undefined> {
  if (acl.broken) return acl.broken;
  if (isAllowed(acl, bridge)) return undefined;
  const denied = rulesFor(acl, bridge).find(({ verb }) => verb === "deny");
  if (denied) {
    const line = `deny ${denied.bridge}`;
    return {
      problem: `${denied.file} has the line "${line}"`,
      remedy: `sudoedit ${denied.file}  # remove: ${line}`,
    };
  }
  const folder = dirname(acl.file);
  return {
    problem: `${acl.file} does not allow it`,
    remedy: (await exists(folder) ? "" : `sudo mkdir -p ${folder} && `) +
      `echo 'allow ${bridge}' | sudo tee -a ${acl.file}`,
  };
}
