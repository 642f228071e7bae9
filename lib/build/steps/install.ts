import { CancelledError } from "../../errors.ts";
import { kernelLine } from "../../installer/kernel_line.ts";
import { type Machine, MachineDiedError, startMachine } from "../../qemu/machine.ts";
import { guestHost } from "../../serve/server.ts";
import type { Step } from "../chain.ts";
import { attend } from "../diagnosis/attend.ts";
import { openLog } from "../diagnosis/bundle.ts";
import { followInstaller } from "../diagnosis/install_watch.ts";
import type { Watch } from "../diagnosis/watch.ts";
import { buildMachine } from "../machine.ts";
import type { Installed, Served } from "../states.ts";
import { openSyslog } from "../diagnosis/syslog.ts";

/** Runs the installer until the guest reboots or powers off, which ends QEMU. The disk is then a point to build upon. */
export const install: Step<Served, Installed> = {
  name: "install",
  async run({ seed, ...state }, { signal, progress }) {
    const { plan, host, installer, workspace } = state;
    using log = openLog(workspace.files.installerLog);
    await using syslog = await openSyslog(log);
    const words = installer.kernelArgs({
      baseUrl: seed.baseUrl(guestHost),
      profile: plan.profile,
      architecture: plan.architecture,
      syslog: { host: guestHost, port: syslog.port },
    });
    const kernel = { kernel: state.kernel, initrd: state.initrd, append: kernelLine(words) };
    const spec = buildMachine(state, { install: kernel, cdrom: state.iso.path });
    await using machine = await startMachine(host, spec, { signal });
    using follower = followInstaller({ installer, seed, syslog, progress });
    const deadlineMs = plan.profile.build.installTimeoutMinutes * 60_000;
    const { stopSigns } = installer;
    const onLine = follower.console;
    await attend(
      { plan, workspace, machine, phase: "install", deadlineMs, stopSigns, onLine },
      signal,
      async (_signal, watch) => {
        follower.follow(watch);
        await untilInstalled(machine, watch, signal);
      },
    );
    await seed[Symbol.asyncDispose]();
    return state;
  },
};

async function untilInstalled(
  machine: Machine,
  watch: Watch,
  signal: AbortSignal,
): Promise<void> {
  const end = await Promise.race([machine.ended, watch.failed]);
  if (signal.aborted) throw signal.reason ?? new CancelledError();
  if (end.code !== 0 || end.signal !== null) throw new MachineDiedError("the installer", end, machine.argv);
  await watch.finish();
  // A QEMU that ended in good order is no proof of a good installation.
  const reason = await watch.conclude("ended");
  if (reason !== undefined) throw reason;
}
