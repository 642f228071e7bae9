import { join } from "node:path";
import { exists, lockFile, removeIfThere } from "../../lib/files.ts";
import { hashFile } from "../../lib/hash.ts";
import { run } from "../../lib/process.ts";
import { cacheKey, demoCacheFolder } from "./cache.ts";
import { type Mirror, mirrorFromApt } from "./mirror.ts";
import type { OnProgress } from "./packages.ts";
import { makeRootfs } from "./rootfs.ts";

/** The demo's installer ISO. */
export interface DemoIso {
  readonly path: string;
  /** Hexadecimal SHA-256 of the file. */
  readonly sha256: string;
  /** Key of the inputs it was made from. */
  readonly key: string;
}

/** Options of {@linkcode demoIso}. */
export interface DemoIsoOptions {
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

const folder = import.meta.dirname ?? ".";

/**
 * The demo installer ISO, made now or taken from the cache ($PIM_DEMO_CACHE, else $XDG_CACHE_HOME/pim-demo).
 * It is laid out like a Debian netinst and needs no network to install. Making it takes about two minutes and the
 * packages of packages.ts.
 */
export async function demoIso(options: DemoIsoOptions = {}): Promise<DemoIso> {
  const { onProgress = () => {}, signal } = options;
  const cache = demoCacheFolder(Deno.env.toObject());
  const mirror = await mirrorFromApt();
  const key = await cacheKey(folder, mirror);
  const path = join(cache, `demo-${mirror.suite}-${key}.iso`);
  await using _lock = await lockFile(
    join(cache, "lock"),
    () => onProgress("Waiting for another process that makes the demo ISO"),
  );
  if (!(await exists(`${path}.sha256`))) await make(path, cache, mirror, onProgress, signal);
  return { path, sha256: (await Deno.readTextFile(`${path}.sha256`)).slice(0, 64), key };
}

async function make(
  path: string,
  cache: string,
  mirror: Mirror,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<void> {
  const started = performance.now();
  const work = await Deno.makeTempDir({ dir: cache, prefix: "making-" });
  try {
    const parts = await makeRootfs({ work, sources: folder, mirror, onProgress, signal });
    onProgress("Writing the ISO");
    const tree = join(work, "tree");
    await layOut(tree, work, parts.debianVersion, mirror);
    const iso = join(work, "demo.iso");
    await run(xorrisoArgv(iso, tree, `Debian ${parts.debianVersion} amd64 n`), { signal });
    const sha256 = await hashFile(iso, "sha256", { signal });
    await Deno.rename(iso, path);
    // Written last: its presence says that the ISO is whole.
    await Deno.writeTextFile(`${path}.sha256`, `${sha256}  ${path}\n`);
    const seconds = Math.round((performance.now() - started) / 1000);
    await prune(cache, 2);
    onProgress(`Made ${path} (${Math.round((await Deno.stat(path)).size / 1e6)} MB, ${seconds} s)`);
  } finally {
    await removeIfThere(work);
  }
}

// Each change of the generator makes a new ISO: only the newest few are worth their space.
async function prune(cache: string, keep: number): Promise<void> {
  const isos: { readonly path: string; readonly mtimeMs: number }[] = [];
  for await (const { name } of Deno.readDir(cache)) {
    const path = join(cache, name);
    if (/^demo-.*\.iso$/.test(name)) {
      isos.push({ path, mtimeMs: (await Deno.stat(path)).mtime?.getTime() ?? 0 });
    }
  }
  for (const { path } of isos.sort((a, b) => b.mtimeMs - a.mtimeMs).slice(keep)) {
    await removeIfThere(`${path}.sha256`);
    await removeIfThere(path);
  }
}

/** Arguments for an ISO that boots from CD and USB on BIOS machines, with Rock Ridge and Joliet names. */
function xorrisoArgv(iso: string, tree: string, volumeId: string): string[] {
  return [
    ...["xorriso", "-as", "mkisofs", "-r", "-J", "-joliet-long", "-V", volumeId, "-o", iso],
    ...["-isohybrid-mbr", "/usr/lib/ISOLINUX/isohdpfx.bin", "-b", "isolinux/isolinux.bin"],
    ...["-c", "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", tree],
  ];
}

// The layout of a Debian netinst, so that pim needs no code of its own for the demo.
async function layOut(tree: string, work: string, version: string, mirror: Mirror): Promise<void> {
  for (const name of [".disk", "demo", "install.amd", "isolinux"]) {
    await Deno.mkdir(join(tree, name), { recursive: true });
  }
  const title = mirror.suite.charAt(0).toUpperCase() + mirror.suite.slice(1);
  const date = new Date().toISOString().slice(0, 16).replace("T", "-").replace(/-(?!\d\d:)/g, "");
  await Deno.writeTextFile(
    join(tree, ".disk/info"),
    `Debian GNU/Linux ${version} "${title}" - Demo amd64 NETINST ${date}`,
  );
  await Deno.rename(join(work, "boot/vmlinuz"), join(tree, "install.amd/vmlinuz"));
  await Deno.rename(join(work, "boot/initrd.gz"), join(tree, "install.amd/initrd.gz"));
  await Deno.rename(join(work, "rootfs.squashfs"), join(tree, "demo/rootfs.squashfs"));
  await Deno.copyFile(join(folder, "installer/isolinux.cfg"), join(tree, "isolinux/isolinux.cfg"));
  await Deno.copyFile("/usr/lib/ISOLINUX/isolinux.bin", join(tree, "isolinux/isolinux.bin"));
  await Deno.copyFile("/usr/lib/syslinux/modules/bios/ldlinux.c32", join(tree, "isolinux/ldlinux.c32"));
}
