import { HostError, messageOf, PimError, UsageError } from "../../errors.ts";
import { removeIfThere } from "../../files.ts";
import type { QmpClient } from "../../qemu/qmp.ts";
import { QmpCommandError } from "../../qemu/qmp_error.ts";
import { type TalkOptions, withMonitor } from "../monitor.ts";
import { type PictureSize, sizeOfPng } from "./png.ts";
import type { RunningVm } from "../vms.ts";

/** What a VM shows. */
export interface Screenshot extends PictureSize {
  readonly png: Uint8Array;
}

/** Takes a picture of a VM's display; throws when it has none, or when its QEMU cannot write PNG (before 7.1). */
export async function takeScreenshot(vm: RunningVm, options: TalkOptions = {}): Promise<Screenshot> {
  return await withMonitor(vm, async (qmp) => {
    const [major = 0, minor = 0] = qmp.version.split(".").map(Number);
    if (major < 7 || major === 7 && minor < 1) {
      throw new HostError(`QEMU ${qmp.version} cannot write a screenshot as PNG: that needs 7.1 or later`);
    }
    return await dump(vm, qmp, options.signal);
  }, options);
}

/** Only whoever has the monitor comes here, so that one name is enough for the file. */
async function dump({ name, files }: RunningVm, qmp: QmpClient, signal?: AbortSignal): Promise<Screenshot> {
  const { screenshot } = files;
  try {
    // Made by us: what a QEMU that runs as root writes then stays ours.
    await Deno.writeFile(screenshot, new Uint8Array(), { mode: 0o600 });
    await qmp.execute("screendump", { filename: screenshot, format: "png" }, { signal });
    const png = await Deno.readFile(screenshot);
    const size = sizeOfPng(png);
    if (size === undefined) throw new PimError(`What QEMU wrote as a screenshot of ${name} is no whole PNG`);
    return { png, ...size };
  } catch (cause) {
    if (cause instanceof QmpCommandError) throw explain(name, cause);
    if (cause instanceof PimError) throw cause;
    throw new PimError(`No screenshot of ${name}: ${messageOf(cause)}`, { cause });
  } finally {
    await removeIfThere(screenshot);
  }
}

function explain(name: string, cause: QmpCommandError): PimError {
  const { description } = cause;
  if (/no console/i.test(description)) {
    return new UsageError(`${name} has no display to take a screenshot of`, {
      cause,
      hint:
        `Give it one: pim stop ${name}, then pim run ${name} --vnc. What is on its console: pim log ${name}`,
    });
  }
  if (/libpng/i.test(description)) {
    return new HostError("This QEMU was built without PNG, which screenshots need", { cause });
  }
  return new PimError(`No screenshot of ${name}: ${description}`, { cause });
}
