import { listLayers, strayFolders } from "../../lib/build/layers/store.ts";
import { exists } from "../../lib/files.ts";
import { buildsDir, layersDir, type Paths } from "../../lib/paths.ts";
import { listProcesses } from "../../lib/process_table.ts";
import { run } from "../../lib/process.ts";

/** Folders of pim's own in which nothing but the soak's builds happens. */
export interface SoakPlace {
  readonly home: string;
  readonly paths: Paths;
  readonly runtimeDir: string;
  readonly imageDir: string;
}

/** What no build may leave behind when it has ended well: processes, sockets, folders, files that are not whole. */
export async function leftBehind(place: SoakPlace): Promise<string[]> {
  const processes = (await listProcesses()).filter(({ command }) =>
    /\bqemu-/.test(command) && (command.includes(place.home) || command.includes(place.runtimeDir))
  );
  return [
    ...processes.map(({ pid, command }) => `process ${pid}: ${command.slice(0, 60)}`),
    ...(await namesIn(place.runtimeDir)).filter((name) => name !== "locks").map((name) =>
      `runtime file ${name}`
    ),
    ...(await namesIn(buildsDir(place.paths))).map((name) => `build folder ${name}`),
    ...(await namesIn(place.imageDir)).filter((name) => /\.part|\.tmp|^\./.test(name))
      .map((name) => `beside the images ${name}`),
    ...(await namesIn(layersDir(place.paths))).filter((name) => name.startsWith(".") && name !== ".lock")
      .map((name) => `beside the layers ${name}`),
    ...(await strayFolders(place.paths)).map((dir) => `folder that is no layer ${dir}`),
  ];
}

/** What is wrong with the layers: each has to be usable, and its disk whole. */
export async function wrongLayers({ paths }: SoakPlace): Promise<string[]> {
  const wrong: string[] = [];
  for (const { id, step, damage, files } of await listLayers(paths)) {
    if (damage !== undefined) wrong.push(`layer ${id} (${step}): ${damage}`);
    const { code, stdout, stderr } = await run(["qemu-img", "check", "-q", files.disk], {
      okStatus: [0, 1, 2, 3],
    });
    if (code !== 0) wrong.push(`layer ${id} (${step}): qemu-img check: ${stdout}${stderr}`);
  }
  return wrong;
}

async function namesIn(dir: string): Promise<string[]> {
  if (!(await exists(dir))) return [];
  return (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();
}
