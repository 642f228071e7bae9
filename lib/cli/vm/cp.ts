import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { live, type Propose } from "../names.ts";
import { type LoginFlags, loginFlags } from "./ssh.ts";

const vmNames = live("running-vms");

/** Proposes `VM:`, and the shell's own paths for what is here; what is in the VM is not looked at. */
const vmPaths: Propose = async function (this: PimContext, partial) {
  const [, user = "", colon] = /^([^:@/.]*@)?[^:/]*(:)?/.exec(partial) ?? [];
  if (colon !== undefined) return [];
  if (user === "") this.completing?.proposePaths("files");
  return (await vmNames.call(this, partial)).map((name) => `${user}${name}:`);
};

/** `pim cp` */
export const cpCommand = buildCommand<LoginFlags, string[], PimContext>({
  loader: async () => (await import("./cp_impl.ts")).cp,
  parameters: {
    flags: loginFlags,
    positional: {
      kind: "array",
      minimum: 2,
      parameter: {
        parse: String,
        placeholder: "PATH|VM:PATH",
        brief: "Sources, and at last the destination",
        proposeCompletions: vmPaths,
      },
    },
  },
  docs: {
    brief: "Copy files and folders into a VM or out of it",
    customUsage: [
      "[--user USER] [--timeout SECONDS] FILE... [USER@]VM:PATH",
      "[--user USER] [--timeout SECONDS] [USER@]VM:PATH... FILE",
    ],
    fullDescription:
      "Runs the system's scp with folders and all, and passes its exit code on. A path in the VM that does not begin\n" +
      "with a slash is in the user's home: VM: alone is that home. What is copied out of a VM may be a pattern:\n" +
      "pim cp VM:'/var/log/*.log' . A file here with a colon in its name is ./a:b.",
    examples: {
      "pim cp app.tar.gz web:": "Into the home folder of its user",
      "pim cp 'web:/var/log/*.log' .": "Out of it",
    },
  },
});
