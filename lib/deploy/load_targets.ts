import { dirname } from "node:path";
import { type RawEntry, readEntries } from "../config/entries.ts";
import type { ConfigFolder } from "../config/folders.ts";
import { problemsError, validate } from "../config/validate.ts";
import { UsageError } from "../errors.ts";
import { checkName } from "../paths.ts";
import { didYouMean } from "../suggest.ts";
import type { HostTools, Target, TargetType } from "./target.ts";
import { targetTypes } from "./target_types.ts";

/** A target as targets.d names it, checked. */
export interface NamedTarget {
  readonly name: string;
  readonly type: string;
  readonly brief: string;
  /** The file that defines it. */
  readonly source: string;
  /** Its entry, merged over `default`; references to secrets are still references. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Whether what is deployed there can be verified, and whether each deployment is. */
  readonly verifies: boolean;
  readonly verify: boolean;
  /** What its entry would have to say besides for that, in YAML. */
  readonly lacks?: string;
  open(tools: HostTools): Target;
}

/** Reads targets.d of all config folders, nearest first: YAML files of several targets, modules of one each. */
export async function loadTargets(folders: readonly ConfigFolder[]): Promise<readonly NamedTarget[]> {
  const wrong: UsageError[] = [];
  const targets = (await readTargets(folders)).flatMap((entry) => {
    try {
      return [toTarget(entry)];
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      wrong.push(error);
      return [];
    }
  });
  if (wrong.length === 0) return targets;
  const hint = wrong.find((each) => each.hint !== undefined)?.hint;
  throw new UsageError(wrong.map(({ message }) => message).join("\n"), hint === undefined ? {} : { hint });
}

/** The entries of targets.d before anything in them is checked. */
export async function readTargets(folders: readonly ConfigFolder[]): Promise<readonly RawEntry[]> {
  return await readEntries(folders.filter(({ kind }) => kind !== "built-in"), "targets.d", { modules: true });
}

/** The target with this name; throws {@linkcode UsageError} with the nearest name. */
export function getTarget(name: string, targets: readonly NamedTarget[]): NamedTarget {
  const found = targets.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new UsageError(`There is no target ${name}`, {
    hint: didYouMean(
      name,
      targets.map((each) => each.name),
      "Describe one in targets.d: targets.yml, which `pim init` writes there, has examples of each type.",
    ),
  });
}

/** The target that an entry describes; throws {@linkcode UsageError} with all that is wrong with it. */
export function toTarget({ key, source, value, where }: RawEntry): NamedTarget {
  checkName(key, "target name");
  const { type: wanted, verify = false, ...settings } = value;
  const type = targetTypes.find((each) => each.type === wanted);
  if (type === undefined) throw problemsError([{ path: ["type"], text: typeProblem(wanted) }], where);
  if (typeof verify !== "boolean") {
    throw problemsError([{ path: ["verify"], text: "has to be true or false" }], where);
  }
  if (verify && type.verifies === undefined) {
    throw problemsError([{ path: ["verify"], text: `cannot be true: ${unverifiable(type.type)}` }], where);
  }
  return bind(type, settings, { key, source, where }, verify);
}

/** Whether a deployment to a target is verified; throws a UsageError where that is wanted and cannot be. */
export function wantsVerification(target: NamedTarget, wanted: boolean | undefined): boolean {
  if (wanted !== true || target.verifies) return wanted ?? target.verify;
  const { lacks, source } = target;
  throw new UsageError(`What is deployed to ${target.name} cannot be verified there`, {
    hint: lacks === undefined ? `${unverifiable(target.type)}.` : addHint(lacks, source),
  });
}

/** Why what was deployed to a target of this type is not verified there, and what to do instead. */
function unverifiable(type: string): string {
  const instead = type === "oci"
    ? "get it back with `pim image pull` and verify that with `pim verify`"
    : "verify the image before, with `pim verify` or `pim build run --verify`";
  return `pim starts no instance at a target of type ${type}; ${instead}`;
}

function addHint(lacks: string, source: string): string {
  return `Say where an instance may run, in ${source}: ${lacks}`;
}

/** A target whose settings have the shape that its type wants. */
function bind<S>(
  type: TargetType<S>,
  settings: RawEntry["value"],
  { key, source, where }: Pick<RawEntry, "key" | "source" | "where">,
  verify: boolean,
): NamedTarget {
  const checked = validate(type.schema, settings, where) as S;
  const lacks = type.lacksForVerify?.(checked);
  if (verify && lacks !== undefined) {
    const text = "cannot be true as long as the entry does not say where an instance may run";
    const { message } = problemsError([{ path: ["verify"], text }], where);
    throw new UsageError(message, { hint: addHint(lacks, source) });
  }
  return {
    ...{ name: key, type: type.type, brief: type.brief, source, settings },
    ...{ verifies: type.verifies === true && lacks === undefined, verify },
    ...(lacks !== undefined && { lacks }),
    open: (tools) => type.open(checked, tools, dirname(source)),
  };
}

function typeProblem(wanted: unknown): string {
  const known = targetTypes.map(({ type }) => type);
  if (wanted === undefined) return `is missing (${known.join(", ")})`;
  return `is no kind of target: ${String(wanted)}. ${didYouMean(String(wanted), known, "")}`;
}
