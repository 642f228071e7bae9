import type { IsoReader } from "./installer.ts";

/** The line in which Debian's and Ubuntu's ISOs describe themselves; empty when there is none. */
export async function diskInfo(iso: IsoReader): Promise<string> {
  if (!(await hasFile(iso, "/.disk/info"))) return "";
  return new TextDecoder().decode(await iso.readFile("/.disk/info", { maxBytes: 4096 })).trim();
}

/** Whether there is a file at this path of an ISO. */
export async function hasFile(iso: IsoReader, path: string): Promise<boolean> {
  return (await iso.find(path))?.kind === "file";
}
