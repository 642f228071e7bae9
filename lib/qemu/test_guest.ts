import type { Architecture } from "../architecture.ts";
import { start } from "../process.ts";
import { acceleratorArgs, type AcceleratorName, machineType } from "./platform_args.ts";
import { cancelled } from "./qmp_error.ts";
import { testGuestKernel } from "./test_guest_code.ts";

/** Whether the test guest ran to its end, or what kept it from that, in words. */
export type TestResult = { readonly ran: true } | { readonly ran: false; readonly why: string };

/** The argv that runs a test guest's kernel under an accelerator. */
export function testGuestArgs(
  qemu: string,
  architecture: Architecture,
  accelerator: AcceleratorName,
  kernel: string,
): string[] {
  return [
    qemu,
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "64M"],
    ...["-machine", machineType(architecture, accelerator)],
    ...acceleratorArgs(architecture, accelerator),
    ...(architecture === "amd64"
      ? ["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]
      : ["-chardev", "stdio,id=serial0,signal=off", "-serial", "chardev:serial0"]),
    ...["-kernel", kernel],
  ];
}

/** Runs a tiny guest under an accelerator and tells whether it got to its end before the deadline. */
export async function runTestGuest(options: {
  readonly qemu: string;
  readonly architecture: Architecture;
  readonly accelerator: AcceleratorName;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}): Promise<TestResult> {
  const { architecture, deadlineMs, signal } = options;
  const kernel = await Deno.makeTempFile({ prefix: "pim-test-guest-" });
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await Deno.writeFile(kernel, testGuestKernel(architecture));
    let printed = "";
    const qemu = start(testGuestArgs(options.qemu, architecture, options.accelerator, kernel), {
      signal,
      onStdoutText: (text) => printed += text,
    });
    let late = false;
    timer = setTimeout(() => {
      late = true;
      qemu.kill("SIGKILL"); // A guest that hangs in the accelerator may take QEMU's own ending with it.
    }, deadlineMs);
    const end = await qemu.ended;
    if (signal?.aborted) throw cancelled(signal);
    if (late) return { ran: false, why: `a test guest did not run within ${deadlineMs / 1000} s` };
    const ran = architecture === "amd64" ? end.code === 33 : end.code === 0 && printed.includes("ok");
    if (ran) return { ran };
    return { ran, why: `QEMU could not run a test guest: ${firstComplaint(qemu.stderr())}` };
  } finally {
    clearTimeout(timer);
    await Deno.remove(kernel);
  }
}

/** The first line that is no warning, without the program's name: later ones are mostly assertions that follow from it. */
function firstComplaint(stderr: string): string {
  const line = stderr.split("\n").find((each) => each.trim() !== "" && !each.includes("warning:"));
  return line?.replace(/^\S*qemu-system-\w+: (error: )?/, "").trim() ?? "it ended without a word";
}
