/** Where answer files believe the seed server to be while they are rendered: nothing answers at such a name. */
export const noServer = "http://seed-server.invalid";

/** A shell command that makes the late command's file, given the file's name as it stands in the shell. */
export type MakeFile = (file: string) => string;

const quoted = `'[^']*'|"[^"]*"|[^\\s'";&|]+`;
const url = `(?<quote>['"]?)${noServer.replaceAll(".", "\\.")}/install\\.sh\\k<quote>(?![\\w/.-])`;
// wget -q -O FILE URL, wget URL -O FILE, curl -o FILE URL, preseed_fetch URL FILE: all that templates fetch files with.
const options = `(?:-[\\w-]+(?:[= ]\\d+)?\\s+)*`;
const fetches = [
  new RegExp(
    `\\b(?:wget|curl)\\s+${options}(?:-\\w*[Oo]|--output(?:-document)?)[= ]?\\s*(?<file>${quoted})\\s+${options}${url}`,
    "g",
  ),
  new RegExp(
    `\\b(?:wget|curl)\\s+${options}${url}\\s+${options}(?:-\\w*[Oo]|--output(?:-document)?)[= ]?\\s*(?<file>${quoted})`,
    "g",
  ),
  new RegExp(`\\bpreseed_fetch\\s+${url}\\s+(?<file>${quoted})`, "g"),
];

/** A shell command in which fetching the late command from the seed server is replaced by what makes it on the spot. */
export function replaceFetches(command: string, make: MakeFile): string {
  return fetches.reduce(
    (text, pattern) =>
      text.replaceAll(pattern, (...match) => {
        const { file } = match.at(-1) as { file: string };
        const [found, offset] = [match[0] as string, match.at(-3) as number];
        return file === "-" || isInTarget(text.slice(0, offset)) ? found : make(file);
      }),
    command,
  );
}

/** Whether what follows would run inside the new system, where nothing of the installer's is at hand. */
function isInTarget(before: string): boolean {
  return /\b(in-target|chroot)\b[^;&|]*$/.test(before);
}

/** The same for a command that is a list of words. */
export function replaceFetch(words: readonly string[], make: MakeFile): readonly string[] {
  if (!["wget", "curl"].includes(words[0] ?? "") || !words.includes(`${noServer}/install.sh`)) return words;
  const at = words.findIndex((word) => /^(-\w*[Oo]|--output(-document)?)$/.test(word));
  const file = words[at + 1];
  return at < 0 || file === undefined ? words : ["sh", "-c", make(`'${file.replaceAll("'", `'\\''`)}'`)];
}
