import { openPty, type Pty } from "../../../vm/pty.ts";
import type { CompletingUser } from "../../../cli/complete/completing_user.ts";

/** A shell in a terminal, in which lines are typed. */
export interface TypedShell extends AsyncDisposable {
  /** The line as it stands after Tab was pressed at its end. */
  complete(line: string): Promise<string>;
  readonly pty: Pty;
}

// Each prints the line that is being edited when Ctrl-X is pressed.
const startUp = {
  bash: {
    file: "bashrc",
    text: `PS1=; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'
show() { printf '[[%s]]\\n' "$READLINE_LINE"; }
bind -x '"\\C-x": show'`,
    command: (user: CompletingUser) => `exec bash --noprofile --rcfile '${user.path}/bashrc' -i`,
  },
  zsh: {
    file: ".zshrc",
    text: `PS1=; unsetopt beep; unset zle_bracketed_paste
show() { print -r -- "[[$BUFFER]]" }
zle -N show; bindkey '^X' show; bindkey '^I' complete-word`,
    command: (user: CompletingUser) => `ZDOTDIR='${user.path}' exec zsh -d -i`,
  },
} as const;

/** Starts a shell whose start-up file ends in these lines, and waits until it is ready. */
export async function typeInShell(
  shell: keyof typeof startUp,
  user: CompletingUser,
  lines: readonly string[],
): Promise<TypedShell> {
  const { file, text, command } = startUp[shell];
  await user.write(file, [text, ...lines, "cd work; printf 'RE%s\\n' ADY", ""].join("\n"));
  const pty = openPty(`cd '${user.path}'; ${command(user)}`, user.env);
  await pty.see(/READY/, 30_000);
  return {
    pty,
    async complete(line) {
      await pty.type(`${line}\t\x18`);
      const [, shown = ""] = await pty.see(/\[\[([^\n]*)\]\]\r?\n/, 30_000);
      await pty.type("\x15"); // takes the line away
      return shown;
    },
    [Symbol.asyncDispose]: () => pty[Symbol.asyncDispose](),
  };
}
