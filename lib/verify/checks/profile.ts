import type { ResolvedProfile } from "../../profile/resolved.ts";
import { firstLine, type GuestCheck, linesOf } from "../guest_check.ts";
import type { Machine } from "../machine.ts";
import { failed, type Outcome, passed, skipped } from "../verification.ts";

/** The checks that measure the system of a machine by its profile. */
export function profileChecks(
  profile: ResolvedProfile,
  machine: Pick<Machine, "namedForIt"> = {},
): GuestCheck[] {
  return [user(profile), hostName(profile, machine), packages(profile)];
}

/** Whether the profile's user is there, can log in, and has the profile's public keys. */
function user({ username, sshAuthorizedKeys }: ResolvedProfile): GuestCheck {
  return {
    name: "user",
    script: `
entry=$(getent passwd "$1") || { echo missing; exit 0; }
echo "$entry"
home=$(echo "$entry" | cut -d: -f6)
[ -d "$home" ] || echo "no home"
[ -f "$home/.ssh/authorized_keys" ] && cat "$home/.ssh/authorized_keys"
exit 0`,
    args: [username],
    judge: ({ stdout }) => judgeUser(username, sshAuthorizedKeys, linesOf(stdout)),
  };
}

function judgeUser(username: string, keys: readonly string[], lines: readonly string[]): Outcome {
  const [entry = "missing", ...rest] = lines;
  if (entry === "missing") return failed(`there is no user ${username}`);
  const shell = entry.split(":")[6] ?? "";
  if (/\/(nologin|false)$/.test(shell)) return failed(`${username} cannot log in: the shell is ${shell}`);
  if (rest.includes("no home")) return failed(`${username} has no home folder`);
  const lacking = keys.filter((key) => key.trim() !== "" && !rest.some((line) => line.includes(blobOf(key))));
  if (lacking.length > 0) {
    return failed(`${username} lacks the public key ${lacking.map(nameOfKey).join(", ")}`);
  }
  return passed(`${username}${keys.length === 0 ? "" : `, with ${keyCount(keys.length)}`}`);
}

function keyCount(count: number): string {
  return count === 1 ? "the profile's key" : `the profile's ${count} keys`;
}

/** The key itself, without options and comment. */
function blobOf(key: string): string {
  return /\bAAAA[A-Za-z0-9+/=]+/.exec(key)?.[0] ?? key.trim();
}

function nameOfKey(key: string): string {
  const comment = key.trim().split(/\s+/).at(-1) ?? "";
  return comment.startsWith("AAAA") ? `${comment.slice(0, 20)}…` : comment;
}

/** Whether the system calls itself as the profile says, where that is left to it. */
function hostName(
  { hostname, domain }: ResolvedProfile,
  { namedForIt }: Pick<Machine, "namedForIt">,
): GuestCheck {
  return {
    name: "host name",
    script: "cat /proc/sys/kernel/hostname",
    judge({ stdout }) {
      const name = firstLine(stdout);
      const right = name === hostname || (domain !== "" && name === `${hostname}.${domain}`);
      if (right) return passed(name);
      if (namedForIt) return skipped(`a cloud names its instances itself, this one ${name}`);
      return failed(`it is ${name}, the profile says ${hostname}`);
    },
  };
}

/** Whether every package that the profile names is installed, or another that provides it. */
function packages({ packages }: ResolvedProfile): GuestCheck {
  return {
    name: "packages",
    script: `
if command -v dpkg-query >/dev/null; then
  dpkg-query --show --showformat='\${db:Status-Status}\\t\${Package}\\t\${Provides}\\n' | sed -n 's/^installed\\t//p'
elif command -v rpm >/dev/null; then
  rpm -qa --queryformat '%{NAME}\\t[%{PROVIDENAME}, ]\\n'
elif command -v apk >/dev/null; then
  apk info
else
  echo "no dpkg, rpm or apk is there to ask"
  exit 77
fi`,
    judge({ stdout }) {
      const wanted = packages.map(packageName).filter((name) => name !== undefined);
      const missing = missingPackages(wanted, stdout);
      if (missing.length > 0) return failed(`not installed: ${missing.join(", ")}`);
      return passed(wanted.length === 0 ? "the profile names none" : `all ${wanted.length} are installed`);
    },
  };
}

/**
 * The package that an entry of a profile asks for, without architecture, version or suite; undefined for one that takes
 * a package away ("vim-") or names a task ("server^"), as apt-get(8) has it.
 */
export function packageName(entry: string): string | undefined {
  return /[-^]$/.test(entry) ? undefined : entry.replace(/[:=/].*$/, "").replace(/(?<=[a-z0-9])\+$/, "");
}

/** Which of these are neither a package of the listing nor provided by one; its lines are "name<TAB>what it provides". */
export function missingPackages(wanted: readonly string[], listing: string): string[] {
  const there = new Set(
    listing.split("\n").flatMap((line) => {
      const [name = "", provides = ""] = line.split("\t");
      return [name.trim(), ...provides.split(",").map((each) => each.trim().replace(/[ (:].*$/, ""))];
    }),
  );
  return wanted.filter((name) => !there.has(name));
}
