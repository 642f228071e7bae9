import { CancelledError, PimError, UsageError } from "../errors.ts";
import { log } from "../log.ts";
import { didYouMean } from "../suggest.ts";
import { checkAccelerator } from "./accelerator.ts";
import { checkCatalog, checkImages, checkSettings } from "./configuration.ts";
import { checkProfiles, checkTargets } from "./entries.ts";
import { type CheckGroup, type DoctorContext, type Finding, found } from "./finding.ts";
import { checkConfigFolder, checkFolders } from "./folders.ts";
import { checkMirrors } from "./mirrors.ts";
import { checkBridge, checkSudo } from "./network.ts";
import { checkMemory, checkRuntime } from "./pim.ts";
import { checkSignatures, checkSsh, checkVentoy, checkVirsh } from "./programs.ts";
import { checkGuests, checkQemuImg, checkTpm } from "./qemu.ts";
import { checkRuntimeDir } from "./runtime_dir.ts";
import { checkSpace } from "./space.ts";

const inTheFile = "Correct it there, then look again: pim doctor config";

/** All checks, in the order in which they are told. */
export const checkGroups: readonly CheckGroup[] = [
  {
    name: "pim",
    title: "pim and its host",
    checks: [{ name: "pim", look: checkRuntime }, { name: "machine", look: checkMemory }],
  },
  {
    name: "config",
    title: "Configuration",
    checks: [
      { name: "settings", look: checkSettings, fix: inTheFile },
      { name: "profiles", look: checkProfiles, fix: inTheFile },
      { name: "ISO catalog", look: checkCatalog, fix: inTheFile },
      { name: "targets", look: checkTargets, fix: inTheFile },
      { name: "images", look: checkImages },
    ],
  },
  {
    name: "qemu",
    title: "QEMU",
    checks: [
      { name: "qemu-img", look: checkQemuImg },
      { name: "guests", look: checkGuests },
      { name: "accelerator", look: checkAccelerator },
      { name: "TPM", look: checkTpm },
    ],
  },
  {
    name: "programs",
    title: "Other programs",
    checks: [
      { name: "gpgv", look: checkSignatures },
      { name: "ssh", look: checkSsh },
      { name: "virsh", look: checkVirsh },
      { name: "sticks", look: checkVentoy },
      { name: "sudo", look: checkSudo },
    ],
  },
  {
    name: "folders",
    title: "Folders",
    checks: [
      { name: "configuration", look: checkConfigFolder },
      { name: "folders", look: checkFolders },
      { name: "runtime", look: checkRuntimeDir },
      { name: "free space", look: checkSpace },
    ],
  },
  {
    name: "network",
    title: "Network",
    checks: [{ name: "bridge", look: checkBridge }, { name: "ISO servers", look: checkMirrors }],
  },
];

/** The groups with these names, or all; throws {@linkcode UsageError} for a name that is none. */
export function chooseGroups(names: readonly string[]): readonly CheckGroup[] {
  const known = checkGroups.map(({ name }) => name);
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined) {
    throw new UsageError(`There are no checks called ${wrong}`, { hint: didYouMean(wrong, known, "") });
  }
  return names.length === 0 ? checkGroups : checkGroups.filter(({ name }) => names.includes(name));
}

/** What a group of checks has found. */
export interface Examined {
  readonly group: CheckGroup;
  readonly findings: readonly Finding[];
}

/** Begins all checks at once, and gives what each group has found in the groups' order. */
export async function* examine(
  groups: readonly CheckGroup[],
  context: DoctorContext,
): AsyncGenerator<Examined> {
  const running = groups.map((group) => ({ group, findings: examineGroup(group, context) }));
  // Whichever is cancelled first is told; the others are so too.
  for (const { findings } of running) findings.catch(() => {});
  for (const { group, findings } of running) yield { group, findings: await findings };
}

async function examineGroup(group: CheckGroup, context: DoctorContext): Promise<readonly Finding[]> {
  const results = await Promise.all(group.checks.map(async (check) => {
    try {
      return await check.look(context);
    } catch (error) {
      if (context.signal.aborted) throw new CancelledError();
      // One check that pim gets wrong should not hide the others.
      if (!(error instanceof PimError)) log.debug(String((error as Error).stack ?? error));
      return [found("problem", check.name, error, check.fix)];
    }
  }));
  if (context.signal.aborted) throw new CancelledError();
  return results.flat();
}
