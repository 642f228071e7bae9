import { readTargets, toTarget } from "../deploy/load_targets.ts";
import { PimError } from "../errors.ts";
import { listProfiles, loadProfile } from "../profile/load.ts";
import { catalogIfSound, configIfSound, type DoctorContext, type Finding, ok, problem } from "./finding.ts";
import { checkNamed } from "./named_by_profile.ts";

/** Checks all profiles: whether they load, and whether what they name is there. */
export async function checkProfiles(context: DoctorContext): Promise<readonly Finding[]> {
  const config = await configIfSound(context);
  if (config === undefined) return [];
  const { folders } = config;
  const names = await listProfiles(folders);
  if (names.length === 0) return [ok("profiles", "none yet; `pim init` writes a first one")];
  const catalog = await catalogIfSound(context);
  const [wrong, lacking]: [Complaint[], Complaint[]] = [[], []];
  for (const name of names) {
    const loaded = await hear(wrong, name, () => loadProfile(folders, name));
    if (loaded !== undefined) {
      await hear(lacking, name, () => checkNamed(loaded, folders, catalog));
    }
  }
  const findings = [
    summary(wrong, "profiles", `of ${names.length} cannot be loaded`, "pim profile check"),
    summary(lacking, "builds", `of ${names.length} profiles cannot be built`, "pim build plan"),
  ].filter((each) => each !== undefined);
  return wrong.length > 0
    ? findings
    : [ok("profiles", `${names.length}, and all can be loaded`), ...findings];
}

/** Checks all targets: whether they are described as their type wants it. */
export async function checkTargets(context: DoctorContext): Promise<readonly Finding[]> {
  const config = await configIfSound(context);
  if (config === undefined) return [];
  const entries = await readTargets(config.folders);
  if (entries.length === 0) return [ok("targets", "none yet")];
  const wrong: Complaint[] = [];
  for (const entry of entries) await hear(wrong, entry.key, () => Promise.resolve(toTarget(entry)));
  return [
    summary(wrong, "targets", `of ${entries.length} cannot be used`, "pim target show") ??
      ok("targets", `${entries.length} described; whether they can be reached: pim target check`),
  ];
}

/** What is wrong with something that has a name. */
interface Complaint {
  readonly name: string;
  readonly message: string;
}

/** Does something and writes down what is wrong with it. */
async function hear<T>(
  complaints: Complaint[],
  name: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PimError)) throw error;
    complaints.push({ name, message: error.message });
    return undefined;
  }
}

/** One finding for all complaints, with the command that shows the first of them; undefined when there is none. */
function summary(
  complaints: readonly Complaint[],
  name: string,
  what: string,
  command: string,
): Finding | undefined {
  const [first] = complaints;
  if (first === undefined) return undefined;
  const lines = complaints.map((each) => `${each.name}: ${each.message}`);
  const detail = [`${complaints.length} ${what}`, ...lines].join("\n");
  return problem(name, detail, `Correct it, then look again: ${command} ${first.name}`);
}
