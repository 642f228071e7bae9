import { briefEvent, lastEvent } from "../../build/events/build_log.ts";
import { findKeptDisk } from "../../build/find_build.ts";
import { planBuild } from "../../build/plan.ts";
import type { BuildFolder } from "../../build/workspace.ts";
import type { Config } from "../../config/config.ts";
import { messageOf, UsageError } from "../../errors.ts";
import { exists } from "../../files.ts";
import { log } from "../../log.ts";
import { vmPlaces } from "../../vm/places.ts";
import { runVm } from "../../vm/run.ts";
import type { RunRequest } from "../../vm/run_request.ts";
import { inspectVm, isRunning } from "../../vm/vms.ts";
import type { DebugFlags } from "./debug.ts";
import type { PimContext } from "../context.ts";
import { describeStarted, startedText } from "../vm/started_text.ts";

/** `pim build debug [BUILD|PROFILE]` */
export async function debug(this: PimContext, flags: DebugFlags, text?: string): Promise<void> {
  if (flags.console && flags.json) throw new UsageError("--console and --json exclude each other");
  const config = await this.config();
  const folder = await findKeptDisk(config, text);
  const places = await vmPlaces(config);
  const name = `debug-${folder.profile}`;
  if (isRunning(await inspectVm(places, name))) {
    throw new UsageError(`The VM ${name} is running already`, {
      hint: `Log in with: pim ssh ${name}. To begin anew, stop it first: pim stop ${name}`,
    });
  }
  await tellFailure(folder);
  const machine = await machineOf(config, folder);
  const { memory, cpus } = config.settings.build;
  const started = await runVm(places, {
    what: folder.files.disk,
    name,
    fresh: false,
    // The next one begins where the build failed again.
    disk: "snapshot",
    architecture: folder.architecture,
    ...machine,
  }, {
    cwd: this.cwd,
    defaults: { memoryMiB: memory, cpus },
    signal: this.signal,
    onNote: (note) => log.info(`note: ${note}`),
  });
  if (!flags.console) {
    return this.print(flags.json ? JSON.stringify(describeStarted(started), null, 2) : startedText(started));
  }
  log.info(startedText(started));
  const { showConsole } = await import("../vm/show_console.ts");
  await showConsole(this, places, started.vm, { fromStart: true });
}

/** The machine that the build ran in, as far as its profile is still there to tell, and how to log in. */
async function machineOf(config: Config, folder: BuildFolder): Promise<Partial<RunRequest>> {
  const { profile, architecture, files } = folder;
  const firmware = await exists(files.efiVars) ? "uefi" : "bios";
  const hasKey = await exists(files.buildKey);
  if (!hasKey) log.info("note: the build's key was not kept; log in with the password of the profile");
  try {
    const plan = await planBuild(config, { profile, architecture });
    return {
      firmware,
      memoryMiB: plan.profile.build.memoryMiB,
      cpus: plan.profile.build.cpus,
      login: { username: plan.sshUser, ...(hasKey && { sshKey: files.buildKey }) },
    };
  } catch (error) {
    log.info(`note: the profile cannot tell of the machine and its user: ${messageOf(error)}`);
    return { firmware };
  }
}

// The steps after which there is a disk, but not yet a system on it.
const beforeInstalled = new Set(["create disk", "serve answers", "install"]);

/** Says why the build failed, and whether there is a system to start at all. */
async function tellFailure({ name, files }: BuildFolder): Promise<void> {
  const failure = await lastEvent(files.events);
  if (failure?.type !== "build-failed") return;
  log.info(`${name} ${briefEvent(failure)}`);
  if (beforeInstalled.has(failure.step)) {
    log.info("note: the installation was not finished, so that the disk may not start");
  }
}
