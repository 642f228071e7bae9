import { join } from "node:path";
import { exists, removeIfThere } from "../../files.ts";
import { pimFolder } from "../stick/record.ts";
import { partEnding } from "./copy_file.ts";

// As writeFileAtomic names a file until it is whole.
const smallPart = /^\..+\.[0-9a-f]{8}\.part$/;

/** Removes what copies that were killed, or have failed, have left on a stick. */
export async function removeParts(folder: string): Promise<void> {
  await removeFiles(folder, (name) => name.endsWith(partEnding));
  const own = join(folder, pimFolder);
  await removeFiles(own, (name) => smallPart.test(name));
  for (const name of await namesIn(own, "isDirectory")) {
    await removeFiles(join(own, name), (file) => smallPart.test(file));
  }
  const ventoy = join(folder, "ventoy");
  await removeFiles(ventoy, (name) => name.startsWith(".ventoy.json") && smallPart.test(name));
}

async function removeFiles(folder: string, isPart: (name: string) => boolean): Promise<void> {
  for (const name of await namesIn(folder, "isFile")) {
    if (isPart(name)) await removeIfThere(join(folder, name));
  }
}

async function namesIn(folder: string, kind: "isFile" | "isDirectory"): Promise<string[]> {
  if (!await exists(folder)) return [];
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) if (entry[kind]) names.push(entry.name);
  return names;
}
