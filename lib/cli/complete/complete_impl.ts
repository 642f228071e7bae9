import { commandTree } from "../app.ts";
import { createContext, type PimContext } from "../context.ts";
import { joinFlagValues } from "../flag_values.ts";
import { takeGlobalFlags } from "../global_flags.ts";
import { keepPassedOn } from "../passed_on.ts";
import { bashReply, splitBashLine } from "./bash_line.ts";
import type { Shell } from "./complete.ts";
import { type Proposal, type Proposals, propose } from "./propose.ts";

/** `pim complete SHELL -- WORD…`: whatever goes wrong, the shell hears nothing of it. */
export async function complete(this: PimContext, _: object, shell: Shell, ...args: string[]): Promise<void> {
  try {
    const lines = shell === "bash" ? await forBash(this, args) : await forOthers(this, args);
    this.print(lines.join("\n"));
  } catch {
    // A person is in the middle of a line; what is wrong they are told by the command itself.
  }
}

/** What a first line says the shell shall add, then each proposal with its description, as zsh and fish take them. */
async function forOthers(context: PimContext, words: readonly string[]): Promise<string[]> {
  const { found, paths } = await proposeFor(context, words);
  const line = ({ text, brief }: Proposal) =>
    brief === undefined ? text : `${text}\t${brief.replace(/\s+/g, " ")}`;
  return [paths, ...found.filter(isOneLine).map(line)];
}

/** The same for bash, from the line up to the cursor and the part of it that bash replaces: quoted, and only what fits. */
async function forBash(context: PimContext, [line = "", current = ""]: readonly string[]): Promise<string[]> {
  const [, ...words] = splitBashLine(line).words;
  const { found, paths } = await proposeFor(context, words);
  const replies = found.filter(isOneLine).map(({ text }) => bashReply(line, current, text));
  return [paths, ...replies.filter((reply) => reply !== undefined)];
}

/** The proposals for the last of these words, which is being typed. */
async function proposeFor(context: PimContext, typed: readonly string[]): Promise<Proposals> {
  const words = typed.slice(0, -1);
  const partial = typed.at(-1) ?? "";
  const beforeEscape = !words.includes("--");
  if (beforeEscape && (words.at(-1) === "--project" || partial.startsWith("--project="))) {
    return { found: [], paths: "folders" };
  }
  const { flags, rest } = takeGlobalFlags(keepPassedOn(words), undefined);
  const inProject = createContext({ signal: context.signal, project: flags.project, quiet: true });
  return await propose(commandTree, joinFlagValues(rest), partial, inProject);
}

/** Whether a proposal can be told in a line; no name that pim takes has control characters. */
function isOneLine({ text }: Proposal): boolean {
  // deno-lint-ignore no-control-regex -- those are meant
  return !/[\x00-\x1f\x7f]/.test(text);
}
