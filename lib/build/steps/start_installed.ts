import { freePort, startOnFreePort } from "../../qemu/ports.ts";
import type { Step } from "../chain.ts";
import { logIn } from "../log_in.ts";
import { buildMachine } from "../machine.ts";
import type { Installed, Reachable } from "../states.ts";

/** Starts the installed system from its disk and waits until it lets us in over SSH. */
export const startInstalled: Step<Installed, Reachable> = {
  name: "start installed system",
  async run(state, context) {
    const { plan, host } = state;
    const { machine, hostPort } = await startOnFreePort(
      host,
      (sshPort) => buildMachine(state, { sshPort }),
      { signal: context.signal, findPort: () => plan.sshPort || freePort() },
    );
    context.undo.use(machine);
    const ssh = context.undo.use(await logIn(state, machine, hostPort, context));
    context.progress(
      `logged in as ${ssh.username} with the ${ssh.authenticatedBy === "key" ? "build key" : "password"}`,
    );
    return { ...state, machine, ssh };
  },
};
