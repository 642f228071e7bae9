import { writeFileAtomic } from "../../files.ts";
import { userPaths } from "../../paths.ts";
import { vmDirs } from "../../vm/places.ts";
import { takeScreenshot } from "../../vm/screenshot/screenshot.ts";
import { screenshotFile } from "../../vm/screenshot/screenshot_file.ts";
import { findRunningVm } from "../../vm/vms.ts";
import type { PimContext } from "../context.ts";
import type { JsonFlags } from "../flags.ts";

/** `pim screenshot VM [FILE.png]` */
export async function screenshot(
  this: PimContext,
  flags: JsonFlags,
  text: string,
  named?: string,
): Promise<void> {
  const vm = await findRunningVm(await vmDirs(userPaths(this.env)), text);
  const file = await screenshotFile(vm.name, named, this.cwd);
  const { png, width, height } = await takeScreenshot(vm, { signal: this.signal });
  await writeFileAtomic(file, png);
  this.print(flags.json ? JSON.stringify({ name: vm.name, file, width, height }, null, 2) : file);
}
