import { join } from "node:path";
import { writeFileAtomic } from "../../lib/files.ts";
import { demoUser } from "../demo/boot.ts";
import { boot } from "../demo/boot.ts";
import type { DemoIso } from "../demo/make_iso.ts";
import { writeDemoProject } from "../demo/project.ts";

/** Name of the profile that is built again and again. */
export const soakProfile = "soak";
/** The profile's scripts in the order they run. */
export const soakScripts = ["one", "two", "three", "four", "five"] as const;

/** Name of one of the profile's scripts. */
export type SoakScript = typeof soakScripts[number];

const profile = `import type { Profile } from "pim";
import demo from "./demo.ts";

export default { ...demo, scripts: ${JSON.stringify(soakScripts)} } satisfies Profile;
`;

// What each script leaves can be checked later: that it ran, once, in its turn, and that no block of it was lost.
const script = (name: SoakScript, version: number) =>
  `#!/bin/sh
set -eu
mkdir -p /srv/soak
cd /srv/soak
echo '${name} ${version}' >> order
head -c 4000000 /dev/urandom > ${name}
sha256sum ${name} >> sums
`;

/** Versions of the profile's scripts. */
export type Versions = Readonly<Record<SoakScript, number>>;

/** Writes the demo's project with a profile whose scripts leave marks. */
export async function writeSoakProject(project: string, iso: DemoIso, versions: Versions): Promise<void> {
  await writeDemoProject(project, iso);
  // Of the demo's scripts none runs: base would for every profile.
  for (const name of ["base", "demo", "motd"]) await Deno.remove(join(project, "scripts.d", `${name}.sh`));
  await writeFileAtomic(join(project, "profiles.d", `${soakProfile}.ts`), profile);
  await writeScripts(project, versions);
}

/** Writes the scripts in these versions. */
export async function writeScripts(project: string, versions: Versions): Promise<void> {
  for (const name of soakScripts) {
    await writeFileAtomic(join(project, "scripts.d", `${name}.sh`), script(name, versions[name]));
  }
}

/** Boots a throw-away overlay of an image; returns what is wrong with the marks in it. */
export async function wrongMarks(image: string, versions: Versions): Promise<string[]> {
  await using guest = await boot(image);
  const order = await guest.root("cat /srv/soak/order");
  const wanted = soakScripts.map((name) => `${name} ${versions[name]}`).join("\n");
  const sums = await guest.root("cd /srv/soak && sha256sum --check --quiet sums 2>&1 || true");
  const units = await guest.root("systemctl --failed --plain --no-legend || true");
  const keys = await guest.root(
    `grep -c pim-build-key /home/${demoUser.username}/.ssh/authorized_keys || true`,
  );
  return [
    ...(order === wanted ? [] : [`its scripts ran as ${order.replaceAll("\n", ", ")}`]),
    ...(sums === "" ? [] : [`its files are damaged: ${sums}`]),
    ...(units === "" ? [] : [`it has failed units: ${units}`]),
    ...(keys === "0" ? [] : ["it has a build key"]),
  ];
}
