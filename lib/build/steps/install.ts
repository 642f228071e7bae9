import { CancelledError } from "../../errors.ts";
import { kernelLine } from "../../installer/kernel_line.ts";
import { type Machine, MachineDiedError, startMachine } from "../../qemu/machine.ts";
import { guestHost } from "../../serve/server.ts";
import type { Step } from "../chain.ts";
import { type InstallWatch, watchInstall } from "../install_watch.ts";
import { buildMachine } from "../machine.ts";
import type { Installed, Served } from "../states.ts";
import { openSyslog } from "../syslog.ts";

/** Runs the installer until the guest reboots or powers off, which ends QEMU. The disk is then a point to build upon. */
export const install: Step<Served, Installed> = {
  name: "install",
  async run({ seed, ...state }, { signal, progress }) {
    const { plan, host, installer, workspace } = state;
    await using syslog = await openSyslog();
    const words = installer.kernelArgs({
      baseUrl: seed.baseUrl(guestHost),
      profile: plan.profile,
      architecture: plan.architecture,
      syslog: { host: guestHost, port: syslog.port },
    });
    const kernel = { kernel: state.kernel, initrd: state.initrd, append: kernelLine(words) };
    let shutdownReason: unknown;
    await using machine = await startMachine(
      host,
      buildMachine(state, { install: kernel, cdrom: state.iso.path }),
      {
        signal,
        onEvent: ({ event, data }) => {
          if (event === "SHUTDOWN") shutdownReason = data.reason;
          if (event === "GUEST_PANICKED") shutdownReason = "guest-panic";
        },
      },
    );
    await using watch = watchInstall({
      installer,
      seed,
      syslog,
      serialLog: workspace.files.serialLog,
      progress,
    });
    await untilInstalled(machine, watch, plan.profile.build.installTimeoutMinutes, signal);
    if (shutdownReason === "guest-panic") throw await watch.failure("the kernel panicked");
    // QEMU ends as well-behaved on a signal as on a reboot, with half a system on the disk.
    if (shutdownReason === "host-signal") throw await watch.failure("QEMU was ended by a signal");
    await watch.finish();
    await seed[Symbol.asyncDispose]();
    return state;
  },
};

async function untilInstalled(
  machine: Machine,
  watch: InstallWatch,
  timeoutMinutes: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Promise.withResolvers<"deadline">();
  const timer = setTimeout(() => deadline.resolve("deadline"), timeoutMinutes * 60_000);
  try {
    const end = await Promise.race([machine.ended, watch.failed, deadline.promise]);
    if (signal.aborted) throw signal.reason ?? new CancelledError();
    if (end === "deadline") throw await watch.failure(`it was not done within ${timeoutMinutes} minutes`);
    if (end.code !== 0 || end.signal !== null) throw new MachineDiedError("the installer", end, machine.argv);
  } finally {
    clearTimeout(timer);
  }
}
