import { writeFileAtomic } from "../files.ts";
import { messageOf, PimError, UsageError } from "../errors.ts";
import { hostArchitecture } from "../architecture.ts";
import type { ConfigFolder } from "../config/folders.ts";
import { findIso, loadCatalog } from "../iso/catalog/catalog.ts";
import { log } from "../log.ts";
import { formatArgv } from "../process.ts";
import { get, leaves, type Tree } from "../config/merge.ts";
import {
  findProfile,
  listProfiles,
  type LoadedProfile,
  loadProfile,
  newProfilePlace,
} from "../profile/load.ts";
import { importRubyProfiles } from "../profile/import_yaml.ts";
import { loginWarning } from "../profile/login.ts";
import { profileModule } from "../profile/module_text.ts";
import { hostnameOf } from "../profile/resolved.ts";
import { withoutSecrets } from "../profile/without_secrets.ts";
import type { PimContext } from "./context.ts";
import type { NewProfileFlags } from "./profile.ts";
import type { JsonFlags } from "./flags.ts";
import { table } from "./table.ts";

/** What `pim init` has in the catalog. */
const usualIso = "debian-13-{arch}-netinst";

/** `pim profile list` */
export async function list(this: PimContext, flags: JsonFlags & { readonly long: boolean }): Promise<void> {
  const { folders } = await this.config();
  const names = await allProfiles(folders);
  if (!flags.long && !flags.json) return this.print(names.join("\n"));
  const profiles = await loadAll(folders, names);
  if (flags.json) {
    const data = profiles.map((each) =>
      "problem" in each ? each : {
        name: each.name,
        description: each.value.description,
        iso: each.value.iso,
        files: each.files,
      }
    );
    return this.print(JSON.stringify(data, null, 2));
  }
  this.print(table(
    ["PROFILE", "ISO", "USER", "DESCRIPTION"],
    profiles.map((each) =>
      "problem" in each
        ? [each.name, "-", "-", `is wrong; see: pim profile check ${each.name}`]
        : [each.name, each.value.iso ?? "-", each.value.username ?? "pim", each.value.description ?? ""]
    ),
  ));
}

/** The names of all profiles, of which there is at least one. */
async function allProfiles(folders: readonly ConfigFolder[]): Promise<readonly string[]> {
  const names = await listProfiles(folders);
  if (names.length > 0) return names;
  throw new UsageError("There are no profiles yet", { hint: "Make a first configuration with: pim init" });
}

/** Loads profiles; one that is wrong does not hide the others. */
function loadAll(
  folders: readonly ConfigFolder[],
  names: readonly string[],
): Promise<readonly (LoadedProfile | { readonly name: string; readonly problem: string })[]> {
  return Promise.all(names.map(async (name) => {
    try {
      return await loadProfile(folders, name);
    } catch (error) {
      if (!(error instanceof PimError)) throw error;
      return { name, problem: error.message };
    }
  }));
}

/** `pim profile show PROFILE` */
export async function show(this: PimContext, flags: JsonFlags, name: string): Promise<void> {
  const profile = await loadProfile((await this.config()).folders, name);
  const masked = withoutSecrets(profile.value as Tree);
  if (flags.json) {
    const data = {
      name,
      files: profile.files,
      profile: masked,
      sources: Object.fromEntries(profile.sources),
    };
    return this.print(JSON.stringify(data, null, 2));
  }
  const rows = leaves(masked)
    .filter((path) => profile.sources.has(path.join(".")))
    .map((
      path,
    ) => [path.join("."), JSON.stringify(get(masked, path)), profile.sources.get(path.join(".")) ?? ""]);
  this.print(table(["FIELD", "VALUE", "FROM"], rows.sort(([a], [b]) => String(a).localeCompare(String(b)))));
}

/** `pim profile check [PROFILE…]` */
export async function check(this: PimContext, flags: JsonFlags, ...names: string[]): Promise<void> {
  const { folders } = await this.config();
  const { checkNamed } = await import("../doctor/named_by_profile.ts");
  // A catalog that is wrong is told of, and hides nothing that can be said of profiles.
  const catalog = await loadCatalog(folders).catch((error) => {
    if (!(error instanceof PimError)) throw error;
    log.warn(`${error.message}; ISOs are not looked for`);
    return undefined;
  });
  const results = await Promise.all(
    (names.length > 0 ? names : await allProfiles(folders)).map(async (name) => {
      try {
        const profile = await loadProfile(folders, name);
        await checkNamed(profile, folders, catalog);
        return { name, ok: true, warning: loginWarning(name, profile.value) };
      } catch (error) {
        if (!(error instanceof PimError)) throw error;
        return { name, ok: false, problem: messageOf(error), hint: error.hint };
      }
    }),
  );
  if (flags.json) this.print(JSON.stringify(results, null, 2));
  else {for (const { name, ok, problem, hint, warning } of results) {
      this.print(ok ? `ok    ${name}` : `wrong ${name}\n${problem}${hint ? `\nhint: ${hint}` : ""}`);
      if (warning !== undefined) log.warn(warning);
    }}
  const wrong = results.filter(({ ok }) => !ok).map(({ name }) => name);
  if (wrong.length > 0) {
    throw new UsageError(`${wrong.length} of ${results.length} profiles are wrong: ${wrong.join(", ")}`, {
      hint: `Correct it, then look again: pim profile check ${wrong.join(" ")}`,
    });
  }
}

/** `pim profile new PROFILE` */
export async function create(this: PimContext, flags: NewProfileFlags, name: string): Promise<void> {
  const { folders } = await this.config();
  const { path, taken } = await newProfilePlace(folders, name);
  if (taken !== undefined) {
    throw new UsageError(`${taken} is already there`, { hint: `Look at it with: pim profile show ${name}` });
  }
  const iso = await isoOfNew(folders, flags);
  await writeFileAtomic(
    path,
    profileModule({
      ...(flags.extends !== undefined && { extends: flags.extends }),
      ...(iso !== undefined && { iso }),
      hostname: hostnameOf(name),
      packages: [],
    }),
  );
  this.print(path);
  log.info(`Edit it, then build it with: pim build run ${name}`);
}

/** The ISO that a new profile names: the one asked for, else Debian's where what lies under it names none. */
async function isoOfNew(
  folders: readonly ConfigFolder[],
  flags: NewProfileFlags,
): Promise<string | undefined> {
  const base = flags.extends ??
    (await findProfile(folders, "default") === undefined ? undefined : "default");
  const below = base === undefined ? undefined : (await loadProfile(folders, base)).value.iso;
  if (flags.iso === undefined) return below === undefined ? usualIso : undefined;
  findIso(flags.iso, await loadCatalog(folders), hostArchitecture());
  return flags.iso;
}

/** `pim profile import FILE.yml` */
export async function importYaml(
  this: PimContext,
  flags: { readonly force: boolean },
  file: string,
): Promise<void> {
  const { folders } = await this.config();
  const { profiles, notes } = await importRubyProfiles(file);
  const modules = await Promise.all(profiles.map(async ({ name, profile }) => {
    return { ...await newProfilePlace(folders, name), text: profileModule(profile) };
  }));
  // Looked at before any is written: a file is imported whole or not at all.
  const taken = modules.find((each) => each.taken !== undefined)?.taken;
  if (taken !== undefined && !flags.force) {
    throw new UsageError(`${taken} is already there`, {
      hint: `Overwrite what is there with: ${formatArgv(["pim", "profile", "import", "--force", file])}`,
    });
  }
  for (const { path, text } of modules) {
    await writeFileAtomic(path, text);
    this.print(path);
  }
  for (const note of notes) this.process.stderr.write(`note: ${note}\n`);
}
