import { HostError, UsageError } from "../../errors.ts";
import { isoOptions } from "../../iso/options.ts";
import { log } from "../../log.ts";
import { inspectDisk } from "../../ventoy/prepare/inspect.ts";
import { type InstallChoice, installerArgs } from "../../ventoy/prepare/installer_args.ts";
import { checkChoice, prepareStick } from "../../ventoy/prepare/prepare.ts";
import { downloadVentoy } from "../../ventoy/release/download.ts";
import type { PimContext } from "../context.ts";
import { isoProgress } from "../iso/iso_progress.ts";
import { askName } from "./ask_name.ts";
import { describeDisk } from "./disk_text.ts";
import { configuredRelease } from "./release.ts";
import type { PrepareFlags } from "./ventoy.ts";

/** `pim ventoy prepare [DEVICE]` */
export async function prepare(this: PimContext, flags: PrepareFlags, device?: string): Promise<void> {
  if (Deno.build.os !== "linux") {
    throw new HostError("Sticks can only be prepared on Linux: Ventoy has no installer for this system", {
      hint: "Prepare it on Linux or Windows; copy, status and list work here too.",
    });
  }
  const { settings } = await this.config();
  const path = device ?? settings.ventoy.device;
  if (path === undefined) {
    throw new UsageError("Which disk shall be made a stick?", {
      hint: "See the disks with: pim ventoy list, then type: pim ventoy prepare /dev/sdX",
    });
  }
  const choice = choiceOf(flags);
  installerArgs(path, choice);
  const release = await configuredRelease(this);
  const options = { allowFixed: flags.allowFixed, signal: this.signal };
  const inspected = await inspectDisk(path, options);
  checkChoice(inspected, choice);
  const { default: prettyBytes } = await import("pretty-bytes");
  log.info(describeDisk(inspected, (bytes) => prettyBytes(bytes, { binary: true })));
  const name = inspected.disk.path;
  const loss = choice.mode === "update"
    ? `Ventoy on ${name} will be replaced; files on it stay`
    : `EVERYTHING on ${name} will be lost`;
  // Before the question, so that what was confirmed is done at once.
  const ventoy = await fetchVentoy(this, release);
  if (!flags.yes) await askName(this, name, loss);
  const prepared = await prepareStick(inspected, ventoy, {
    ...options,
    choice,
    onLine: (line) => log.info(`ventoy | ${line}`),
  });
  const version = prepared.version ?? ventoy.version;
  if (flags.json) return this.print(JSON.stringify({ ...prepared, version }, null, 2));
  this.print(`${prepared.device} has Ventoy ${version}; ISOs go on ${prepared.dataPartition}`);
  log.info(`Go on with: pim ventoy copy ${prepared.device} --profile PROFILE`);
}

async function fetchVentoy(context: PimContext, release: Awaited<ReturnType<typeof configuredRelease>>) {
  using progress = await isoProgress(context);
  return await downloadVentoy(release, {
    ...isoOptions(await context.config()),
    signal: context.signal,
    onProgress: progress.show,
  });
}

function choiceOf({ force, update, gpt, secureBoot, label }: PrepareFlags): InstallChoice {
  if (force && update) {
    throw new UsageError("--force erases the stick and --update keeps it: say one of them");
  }
  if (update && (gpt || label !== undefined)) {
    throw new UsageError("--gpt and --label are for new sticks; --update leaves the partitions as they are");
  }
  return { mode: force ? "force" : update ? "update" : "install", gpt, secureBoot, label };
}
