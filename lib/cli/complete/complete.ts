import { buildCommand, type PimCommand } from "../command.ts";

/** The shells that pim completes lines for. */
const shells = ["bash", "zsh", "fish"] as const;

/** One of {@linkcode shells}. */
export type Shell = (typeof shells)[number];

function parseShell(text: string): Shell {
  const shell = shells.find((each) => each === text);
  if (shell === undefined) throw new RangeError(`${text} is not one of: ${shells.join(", ")}`);
  return shell;
}

const shellArgument = {
  parse: parseShell,
  placeholder: "bash|zsh|fish",
  brief: "The shell that you use",
  proposeCompletions: () => shells,
} as const;

/** `pim completion` */
export const completionCommand: PimCommand = buildCommand<Record<never, never>, [Shell]>({
  loader: async () => (await import("./completion_impl.ts")).completion,
  parameters: { positional: { kind: "tuple", parameters: [shellArgument] } },
  docs: {
    brief: "Print what makes your shell complete pim's commands, flags and names",
    fullDescription:
      "Prints a script for the shell. It asks pim at each Tab, so that profiles, ISOs, images, VMs and targets are those\n" +
      "there are now. For this shell only:\n\n" +
      "  bash   source <(pim completion bash)\n" +
      "  zsh    source <(pim completion zsh)       after compinit\n" +
      "  fish   pim completion fish | source\n\n" +
      "For good, put it where the shell looks:\n\n" +
      "  bash   ~/.local/share/bash-completion/completions/pim\n" +
      "         (needs the package bash-completion; else ~/.bashrc)\n" +
      "  zsh    a file _pim in a folder of $fpath, before compinit\n" +
      "  fish   ~/.config/fish/completions/pim.fish\n\n" +
      "An alias that is called pim is completed, too; zsh wants `setopt complete_aliases` for that.",
    examples: {
      "pim completion bash > ~/.local/share/bash-completion/completions/pim": "For every new bash",
      "pim completion fish > ~/.config/fish/completions/pim.fish": "For every new fish",
    },
  },
});

/** `pim complete`, which those scripts ask. */
export const completeCommand: PimCommand = buildCommand<Record<never, never>, [Shell, ...string[]]>({
  loader: async () => (await import("./complete_impl.ts")).complete,
  parameters: {
    positional: {
      kind: "array",
      minimum: 1,
      parameter: { parse: String, placeholder: "SHELL|WORD", brief: "The shell, and the words of the line" },
    },
  },
  docs: {
    brief: "Propose how a line may go on, for the scripts of `pim completion`",
    examples: { 'pim complete fish -- build ru ""': "What may stand for ru" },
  },
});
