import { PimError } from "../../errors.ts";
import { log } from "../../log.ts";
import { attachConsole } from "../../vm/console/console.ts";
import type { VmDirs } from "../../vm/places.ts";
import { clearRemains, describeCrash } from "../../vm/remains.ts";
import type { RunningVm } from "../../vm/vms.ts";
import type { PimContext } from "../context.ts";
import { terminalOf } from "./terminal.ts";

/** Gives pim's own terminal to the console of a VM; throws when its QEMU ends unexpectedly. */
export async function showConsole(
  context: PimContext,
  dirs: VmDirs,
  vm: RunningVm,
  options: { readonly fromStart?: boolean } = {},
): Promise<void> {
  const { name } = vm;
  const terminal = terminalOf(context);
  const end = await attachConsole(dirs, vm, {
    ...options,
    terminal,
    signal: context.signal,
    onWait: () =>
      log.info(`Another terminal has the console of ${name}; waiting until it leaves (Ctrl-C gives up)`),
    onAttached: () =>
      log.info(
        `Connected to ${name}; ${
          terminal.keyboard ? "Ctrl-] leaves" : "what it says is shown until it ends, or Ctrl-C"
        }`,
      ),
  });
  if (end === "left") return log.info(`${name} runs on; come back with: pim console ${name}`);
  const remains = await clearRemains(dirs, name);
  if (remains.kind === "crashed") {
    throw new PimError(describeCrash(name, remains), { hint: `Start it again with: pim run ${name}` });
  }
  log.info(`${name} has ended`);
}
