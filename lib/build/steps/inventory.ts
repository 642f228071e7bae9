import type { Step } from "../chain.ts";
import { readInventory } from "../guest/inventory.ts";
import { whileRunning } from "../machine.ts";
import type { Inventoried, Reachable } from "../states.ts";

/** Lists what is installed in the system, for the image's manifest. */
export const inventory: Step<Reachable, Inventoried> = {
  name: "inventory",
  async run(state, { signal, progress }) {
    const { machine, plan, ssh } = state;
    const inventory = await whileRunning(
      machine,
      plan.name,
      signal,
      (signal) => readInventory(ssh, signal),
    );
    const { system, packages } = inventory;
    progress(
      system.packageFormat === undefined
        ? `${system.prettyName}, whose packages pim cannot list`
        : `${system.prettyName}, ${packages.length} packages, Linux ${system.kernel}`,
    );
    return { ...state, inventory };
  },
};
