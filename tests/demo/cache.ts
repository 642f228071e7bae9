import { createHash } from "node:crypto";
import { join } from "node:path";
import { HostError } from "../../lib/errors.ts";
import type { Mirror } from "./mirror.ts";

/** The folder that keeps the demo's ISO and more: $PIM_DEMO_CACHE, else pim-demo in the user's XDG cache folder. */
export function demoCacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  if (env.PIM_DEMO_CACHE) return env.PIM_DEMO_CACHE;
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, "pim-demo");
  if (env.HOME) return join(env.HOME, ".cache/pim-demo");
  throw new HostError("There is no folder for the demo's ISO: HOME is not set", {
    hint: "Set PIM_DEMO_CACHE to a folder with 2 GB free.",
  });
}

/** Where the tests unpack Debian's package qemu-guest-agent: installed, it would begin to serve this host. */
export function agentFolder(env: Readonly<Record<string, string | undefined>>): string {
  return join(demoCacheFolder(env), "qemu-guest-agent");
}

// What the ISO is made by. Whatever else lies in the folder (tests, the demo itself) may change without a new ISO.
const generator = ["make_iso.ts", "rootfs.ts", "installer", "rootfs"];

/** Key of everything the ISO is made from: the generator's files and the mirror's release and sources. */
export async function cacheKey(folder: string, mirror: Mirror): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(mirror));
  for (const name of generator) await update(hash, join(folder, name), name);
  return hash.digest("hex").slice(0, 12);
}

async function update(hash: ReturnType<typeof createHash>, path: string, name: string): Promise<void> {
  if ((await Deno.stat(path)).isFile) {
    const content = await Deno.readFile(path);
    hash.update(`${name}\0${content.length}\0`).update(content);
    return;
  }
  const names: string[] = [];
  for await (const entry of Deno.readDir(path)) names.push(entry.name);
  for (const entry of names.sort()) await update(hash, join(path, entry), `${name}/${entry}`);
}
