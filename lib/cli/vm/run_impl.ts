import { UsageError } from "../../errors.ts";
import { type VmPlaces, vmPlaces } from "../../vm/places.ts";
import { runVm } from "../../vm/run.ts";
import type { RunOptions, RunRequest } from "../../vm/run_request.ts";
import type { StartedVm } from "../../vm/start.ts";
import { waitForGuest } from "../../vm/wait.ts";
import { log } from "../../log.ts";
import type { PimContext } from "../context.ts";
import { anyBridge } from "../flag_values.ts";
import { copyProgress } from "./copy_progress.ts";
import type { RunFlags } from "./run.ts";
import { describeStarted, startedText } from "./started_text.ts";

/** `pim run [VM|PROFILE|IMAGE|FILE]` */
export async function run(this: PimContext, flags: RunFlags, what?: string): Promise<void> {
  if (flags.console && (flags.json || flags.wait !== "none")) {
    throw new UsageError(`--console and ${flags.json ? "--json" : "--wait"} exclude each other`, {
      hint: `Leave --console out, and show the console later: pim console NAME`,
    });
  }
  const config = await this.config();
  const places = await vmPlaces(config);
  const { memory, cpus } = config.settings.build;
  const started = await start(this, places, requestOf(flags, what), { memoryMiB: memory, cpus });
  if (flags.console) {
    log.info(startedText(started));
    const { showConsole } = await import("./show_console.ts");
    return await showConsole(this, places, started.vm, { fromStart: true });
  }
  if (flags.wait !== "none") {
    const whom = flags.wait === "ssh" ? "SSH" : "the guest agent";
    log.info(
      `${started.vm.name} is started; waiting for ${whom} (see it start: pim log -f ${started.vm.name})`,
    );
    await waitForGuest(places, started, flags.wait, { timeoutMs: flags.timeout * 1000, signal: this.signal });
  }
  this.print(flags.json ? JSON.stringify(describeStarted(started), null, 2) : startedText(started));
}

async function start(
  context: PimContext,
  places: VmPlaces,
  request: RunRequest,
  defaults: RunOptions["defaults"],
): Promise<StartedVm> {
  using copying = copyProgress(context);
  return await runVm(places, request, {
    cwd: context.cwd,
    defaults,
    signal: context.signal,
    onNote: (note) => log.info(`note: ${note}`),
    onProgress: copying.show,
  });
}

function requestOf(flags: RunFlags, what: string | undefined): RunRequest {
  const { name, fresh, disk, memory, cpus, bridged, forward, share, usb, vnc, qemuArg, arch } = flags;
  return {
    what,
    name,
    fresh,
    disk,
    memoryMiB: memory,
    cpus,
    bridged: bridged === anyBridge ? "" : bridged,
    forwards: forward,
    shares: share && [...share],
    usb: usb && [...usb],
    vnc,
    userDataFile: flags.userData,
    sshKeyFile: flags.sshKey,
    qemuArgs: qemuArg,
    architecture: arch,
    firmware: flags.firmware,
  };
}
