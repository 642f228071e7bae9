import { Buffer } from "node:buffer";

/** Keeps account of what a guest's output does to the terminal it is shown on, so that it can be undone. */
export interface TerminalModes {
  /** Looks at a piece of output; sequences may be cut anywhere. */
  note(bytes: Uint8Array): void;
  /** What puts the terminal back, the cursor at the start of a line; empty when nothing was changed. */
  undo(): Uint8Array;
}

// Private modes of xterm that are on (h) or off (l) in a terminal that nobody has touched: cursor keys, reverse video,
// origin, wrapping, cursor, keypad, alternate screens, mouse and focus reports, pasting in brackets.
const defaultModes: Readonly<Record<string, "h" | "l">> = {
  ...{ 1: "l", 5: "l", 6: "l", 7: "h", 9: "l", 25: "h", 66: "l", 47: "l", 1047: "l", 1049: "l" },
  ...{ 1000: "l", 1002: "l", 1003: "l", 1004: "l", 1005: "l", 1006: "l", 1015: "l", 1016: "l", 2004: "l" },
};

// A private mode; the scroll region; keypad; how modified keys are reported (xterm, kitty); the character set; a reset.
const sequences =
  // deno-lint-ignore no-control-regex
  /\x1b\[\?([\d;]+)([hl])|\x1b\[([\d;]*)r|\x1b([=>])|\x1b\[>4;?(\d*)m|\x1b\[([>=])[\d;]*u|\x1b\((.)|\x1b(?:c|\[!p)/g;
const longestSequence = 64;

/** Begins to keep account, of a terminal as the user's shell has it. */
export function terminalModes(): TerminalModes {
  const modes = new Map<string, "h" | "l">();
  const undoings = new Map<string, string>();
  let escapes = false;
  let rest = "";
  let lineEnd = "\r\n";
  const apply = (match: RegExpMatchArray) => {
    const [, numbers, state, region, keypad, modifyKeys, kitty, charset] = match;
    const set = (what: string, changed: boolean, undoing: string) =>
      changed ? undoings.set(what, undoing) : undoings.delete(what);
    if (numbers !== undefined) {
      for (const mode of numbers.split(";")) modes.set(mode, state === "h" ? "h" : "l");
      // The cursor is saved and put back: setting the region moves it.
    } else if (region !== undefined) set("region", region !== "", "\x1b7\x1b[r\x1b8");
    else if (keypad !== undefined) set("keypad", keypad === "=", "\x1b>");
    else if (modifyKeys !== undefined) set("modifyKeys", !/^0?$/.test(modifyKeys), "\x1b[>4m");
    else if (kitty !== undefined) set(`kitty${kitty}`, true, kitty === ">" ? "\x1b[<99u" : "\x1b[=0u");
    else if (charset !== undefined) set("charset", charset !== "B", "\x1b(B");
    else {
      modes.clear();
      undoings.clear();
    }
  };
  return {
    note(bytes) {
      const piece = Buffer.from(bytes).toString("latin1");
      lineEnd = (lineEnd + piece.slice(-2)).slice(-2);
      const text = rest + piece;
      if (!text.includes("\x1b")) return;
      escapes = true;
      for (const match of text.matchAll(sequences)) apply(match);
      // The last sequence may go on in the next piece; to see a whole one twice does no harm.
      rest = text.slice(Math.max(text.lastIndexOf("\x1b"), text.length - longestSequence));
    },
    undo() {
      const changed = [...modes].filter(([mode, state]) => (defaultModes[mode] ?? state) !== state);
      const back = changed.map(([mode]) => `\x1b[?${mode}${defaultModes[mode]}`);
      const line = lineEnd === "\r\n" ? "" : lineEnd.endsWith("\n") ? "\r" : "\r\n";
      const colours = escapes ? "\x1b[0m" : "";
      return Buffer.from([...back, ...undoings.values(), colours, line].join(""), "latin1");
    },
  };
}

// Reports of device, state, position, modes, size, colours, settings; of version and answerback.
const queries =
  // deno-lint-ignore no-control-regex
  /\x1b\[[>=?]?[\d;]*[cnx]|\x1b\[\??[\d;]*\$p|\x1b\[[12]\d(?:;\d+)*t|\x1b\[>\d*q|\x1b\[\?u|\x1bZ|\x05|\x1bP[+$]q[^\x1b]*\x1b\\|\x1b\][\d;]*\?(?:\x07|\x1b\\)/g;

/**
 * Console output without what makes a terminal answer: shown a second time, the answers would be typed into the guest,
 * which did not ask now.
 */
export function withoutQueries(bytes: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(bytes).toString("latin1").replaceAll(queries, ""), "latin1");
}
