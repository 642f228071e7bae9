import { buildCommand } from "@stricli/core";
import type { PimContext } from "../context.ts";
import { type LoginFlags, loginFlags } from "./ssh.ts";

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
  },
});
