import { readTextIfThere } from "../../files.ts";

/** A file system that is mounted. */
export interface Mount {
  readonly source: string;
  readonly folder: string;
  readonly readOnly: boolean;
}

/** Reads /proc/self/mountinfo. See proc_pid_mountinfo(5). */
export function parseMountInfo(text: string): readonly Mount[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after] = line.split(" - ");
    const [, , , , folder, options = ""] = before.split(" ");
    const [, source, superOptions = ""] = after?.split(" ") ?? [];
    if (folder === undefined || source === undefined) return [];
    const readOnly = [...options.split(","), ...superOptions.split(",")].includes("ro");
    return [{ source: unescape(source), folder: unescape(folder), readOnly }];
  });
}

/** Where a device is mounted now; undefined when it is not. */
export async function mountOf(device: string): Promise<Mount | undefined> {
  return (await mounts()).find(({ source }) => source === device);
}

/** What is mounted at exactly this folder now; undefined when nothing is. */
export async function mountAt(folder: string): Promise<Mount | undefined> {
  // The last one covers those before it.
  return (await mounts()).findLast((mount) => mount.folder === folder);
}

async function mounts(): Promise<readonly Mount[]> {
  return parseMountInfo((await readTextIfThere("/proc/self/mountinfo")) ?? "");
}

/** Blanks and their like are written as \040. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
}
