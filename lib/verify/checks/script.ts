import { shellQuote } from "../../ssh/quote.ts";
import type { GuestCheck } from "../guest_check.ts";
import type { Subject } from "../subject.ts";
import { failed, passed } from "../verification.ts";

type Script = NonNullable<Subject["script"]>;

/** The user's own check: a script that is put into the guest and run there as root. */
export function scriptCheck(
  script: Script,
  content: string,
  options: { readonly timeoutMs: number; readonly onLine: (line: string) => void },
): GuestCheck {
  const variables = Object.entries({ HOME: "/root", ...script.env })
    .map(([name, value]) => `export ${name}=${shellQuote(value)}\n`).join("");
  return {
    name: `script ${script.name}`,
    // A file, so that its first line decides what runs it; in /root, since /run and /tmp may forbid running anything.
    // The variables come with it: whoever is on the host or in the guest can read the arguments of a program.
    script: `
umask 077
dir=$(mktemp -d /root/pim-verify.XXXXXX 2>/dev/null || mktemp -d) || exit 1
cat > "$dir/all" && head -c "$1" "$dir/all" > "$dir/env" && tail -c "+$(($1 + 1))" "$dir/all" > "$dir/script" &&
  chmod 700 "$dir/script" && cd "$dir" || exit 1
(. "$dir/env" && exec "$dir/script") < /dev/null 2>&1
status=$?
cd / && rm -rf "$dir"
exit $status`,
    args: [String(new TextEncoder().encode(variables).length)],
    stdin: variables + content,
    timeoutMs: options.timeoutMs,
    judge({ status, stdout, stderr }) {
      const lines = `${stdout}\n${stderr}`.split("\n").map((line) => line.trimEnd()).filter((line) =>
        line !== ""
      );
      lines.forEach(options.onLine);
      const last = lines.at(-1)?.trim();
      if (status === 0) return passed(last ?? "it wrote nothing");
      const how = status === undefined ? "was ended by a signal" : `exited with ${status}`;
      return failed(`it ${how}${last === undefined ? " and wrote nothing" : `: ${last}`}`);
    },
  };
}
