import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { off } from "../flags.ts";
import { firstThen, live, type Propose } from "../names.ts";
import { parseSeconds } from "../flags.ts";

/** Flags that `pim ssh` and `pim cp` have in common. */
export interface LoginFlags {
  readonly user?: string;
  /** Seconds. */
  readonly timeout: number;
}

/** Flags of `pim ssh`. */
export interface SshFlags extends LoginFlags {
  readonly tty: boolean;
  readonly config: boolean;
}

/** The definition of {@linkcode LoginFlags}. */
export const loginFlags = {
  user: {
    kind: "parsed",
    parse: String,
    optional: true,
    placeholder: "USER",
    brief: "Whom to log in as (default: the image's user)",
  },
  timeout: {
    kind: "parsed",
    parse: parseSeconds,
    default: "120",
    placeholder: "SECONDS",
    brief: "How long to wait for a guest that is starting",
  },
} as const;

const vmNames = live("running-vms");

/** Proposes VMs, after `USER@` too. */
const loginNames: Propose = async function (this: PimContext, partial) {
  const user = partial.slice(0, partial.lastIndexOf("@") + 1);
  return (await vmNames.call(this, partial)).map((name) => user + name);
};

/** `pim ssh` */
export const sshCommand = buildCommand<SshFlags, string[], PimContext>({
  loader: async () => (await import("./ssh_impl.ts")).ssh,
  parameters: {
    flags: {
      ...loginFlags,
      tty: { ...off, brief: "A terminal for CMD too: pim ssh -t VM -- htop" },
      config: { ...off, brief: "Print a block for ~/.ssh/config instead of logging in" },
    },
    aliases: { t: "tty" },
    positional: {
      kind: "array",
      minimum: 1,
      parameter: {
        parse: String,
        placeholder: "[USER@]VM|CMD",
        brief: "A running VM, and what to run there",
        proposeCompletions: firstThen(loginNames),
      },
    },
  },
  docs: {
    brief: "Log in to a VM over SSH, or run a command there",
    customUsage: ["[--user USER] [--timeout SECONDS] [-t] [USER@]VM [-- CMD...]", "--config [USER@]VM"],
    fullDescription:
      "Runs the system's ssh, with your keys, agent and ~/.ssh/config, and passes its exit code on (255 is ssh's own).\n" +
      "A guest that is still starting is waited for.\n\n" +
      "Several words after -- reach the guest as they are: pim ssh VM -- touch 'a b'. A single word is a line for the\n" +
      "guest's shell: pim ssh VM -- 'ls *.log | wc -l'.",
    examples: {
      "pim ssh web": "A shell",
      "pim ssh web -- 'ls *.log | wc -l'": "A line for the guest's shell",
      "pim ssh --config web": "A block for ~/.ssh/config",
    },
  },
});
