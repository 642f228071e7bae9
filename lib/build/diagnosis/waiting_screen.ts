/** What an installer shows while it waits for a person. */
export interface WaitingScreen {
  /** A question wants an answer, a message only a key. */
  readonly kind: "question" | "message";
  readonly title: string;
  /** The question itself, or the first line of the message. */
  readonly subject: string;
  /** All that is shown between title and prompt, in one line. */
  readonly text: string;
}

// cdebconf's text frontend (Debian bug trackers know it as DEBIAN_FRONTEND=text) ends what it shows in one of these,
// in the language of the installation: only the marks are the same in all of them.
const questionPrompt = /^[^:'>]{1,40}: '.' .*>$/;
const messagePrompt = /^\[\D{3,60}\]$/;
const underline = /^-{3,}$/;
const choice = /^\s*\d+: /;

/** Reads the screen of Debian's text frontend off the last lines of a console; undefined unless it waits there. */
export function readWaitingScreen(lines: readonly string[]): WaitingScreen | undefined {
  const prompt = lines.at(-1)?.trim() ?? "";
  const kind = questionPrompt.test(prompt) ? "question" : messagePrompt.test(prompt) ? "message" : undefined;
  if (kind === undefined) return undefined;
  const body = lines.slice(0, -1);
  const at = body.findLastIndex((line) => underline.test(line.trim()));
  // A second question under the same title shows no title of its own.
  const title = at > 0 ? body[at - 1]?.trim() ?? "" : "";
  const shown = body.slice(at + 1).map((line) => line.trimEnd());
  const text = shown.filter((line) => !choice.test(line)).map((line) => line.trim());
  const subject = (kind === "question" ? text.at(-1) : text[0]) ?? "";
  return { kind, title, subject: subject.replace(/:$/, ""), text: text.join(" ") };
}

/** Whether a line is the status bar of the `screen` that Debian's installer runs in: its clock goes on by itself. */
export function isStatusBar(line: string): boolean {
  return /^\s*\[.*\]\s*\[\s*\S+\s+\d+\s+\d{1,2}:\d\d\s*\]\s*$/.test(line);
}
