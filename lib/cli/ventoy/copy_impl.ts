import { UsageError } from "../../errors.ts";
import { loadCatalog } from "../../iso/catalog/catalog.ts";
import { isoOptions } from "../../iso/options.ts";
import { log } from "../../log.ts";
import { ensureRuntimeDir } from "../../paths.ts";
import { type Copied, copyToStick, type Proof } from "../../ventoy/copy/copy.ts";
import { gatherWanted, type Wanted } from "../../ventoy/copy/wanted.ts";
import { checkIdentity, identityOf } from "../../ventoy/disk/identity.ts";
import { findStick, type Stick } from "../../ventoy/stick/find_stick.ts";
import { checkWritable, mountStick } from "../../ventoy/stick/mount.ts";
import type { PimContext } from "../context.ts";
import { isoProgress } from "../iso/iso_progress.ts";
import { stickProgress } from "./stick_progress.ts";
import type { CopyFlags } from "./ventoy.ts";

const proofs: Readonly<Record<Proof, string>> = {
  remounted: "read back from the stick after it was mounted anew",
  "cache dropped": "read back after it was dropped from the kernel's cache",
  "as it is": "read back; the system may have answered from its cache",
  "nothing copied": "nothing had to be copied",
};

/** `pim ventoy copy [DEVICE]` */
export async function copy(this: PimContext, flags: CopyFlags, device?: string): Promise<void> {
  if (flags.profile === undefined && flags.iso === undefined) {
    throw new UsageError("What shall be copied? Name profiles with --profile, or ISOs with --iso", {
      hint: "See what there is with: pim profile list, pim iso list",
    });
  }
  const { settings, paths } = await this.config();
  const stick = await findStick(device, settings.ventoy.device, this.signal);
  const identity = stick.kind === "disk" ? await identityOf(stick.disk) : undefined;
  const wanted = await gather(this, flags);
  // Downloads take their time, in which sticks are changed.
  if (identity !== undefined) await checkIdentity(identity, this.signal);
  const runtimeDir = await ensureRuntimeDir(paths);
  const copied = await mountedCopy(this, stick, wanted, { runtimeDir, full: flags.full });
  report(this, flags.json, stick, copied);
}

async function gather(context: PimContext, flags: CopyFlags): Promise<Wanted> {
  const config = await context.config();
  const { folders, settings } = config;
  const catalog = await loadCatalog(folders);
  using progress = await isoProgress(context);
  return await gatherWanted(
    { profiles: flags.profile ?? [], isos: flags.iso ?? [], architecture: flags.arch },
    catalog,
    folders,
    settings.iso.iso_dir,
    { ...isoOptions(config), signal: context.signal, onProgress: progress.show },
  );
}

async function mountedCopy(
  context: PimContext,
  stick: Stick,
  wanted: Wanted,
  { runtimeDir, full }: { runtimeDir: string; full: boolean },
): Promise<Copied> {
  const { signal } = context;
  await using mounted = await mountStick(stick, { runtimeDir, signal });
  checkWritable(stick, mounted);
  using progress = await stickProgress(context);
  const copied = await copyToStick(stick, mounted, wanted, { full, signal, onProgress: progress.show });
  if (!mounted.ours) log.info(`${mounted.folder} stays mounted: unmount it before you pull the stick out`);
  return copied;
}

function report(context: PimContext, json: boolean, stick: Stick, { tasks, answers, proof }: Copied): void {
  if (json) {
    const isos = tasks.map(({ iso, action, why }) => ({
      key: iso.entry.key,
      file: iso.entry.filename,
      bytes: iso.file.bytes,
      action,
      why,
    }));
    const files = answers.map(({ profile, iso, file }) => ({ profile, iso, file }));
    context.print(JSON.stringify({ device: stick.name, isos, answers: files, proof }, null, 2));
  } else {
    for (const { iso, action, why } of tasks) {
      context.print(`${action === "copy" ? "copied" : "kept"}  ${iso.entry.filename}  (${why})`);
    }
    for (const { profile, file } of answers) context.print(`wrote   ${file}  (profile ${profile})`);
    log.info(`${stick.name}: ${proofs[proof]}`);
  }
  if (answers.length === 0) return;
  log.warn("the stick carries the password hashes and keys of these profiles: keep it safe");
  for (const { iso } of tasks) {
    const profiles = answers.filter((answer) => answer.iso === iso.entry.key).map(({ profile }) => profile);
    if (profiles.length > 0) {
      log.warn(
        `${iso.entry.filename} booted from it erases a disk of that machine and installs ${
          profiles.join(" or ")
        }`,
      );
    }
  }
}
