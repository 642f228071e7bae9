import { buildKeyComment } from "../../profile/build_key.ts";
import { type GuestCheck, linesOf } from "../guest_check.ts";
import { failed, passed } from "../verification.ts";

/** Whether the build's own way in is closed: no key of it, nothing of its scripts. */
export const buildKey: GuestCheck = {
  name: "build key",
  script: `
getent passwd | cut -d: -f6 | sort -u | while read -r home; do
  for file in "$home"/.ssh/authorized_keys*; do
    if [ -f "$file" ] && grep -q "[[:space:]]$1\\$" "$file"; then echo "$file"; fi
  done
  if [ -e "$home/.pim-build" ]; then echo "$home/.pim-build"; fi
done
for file in /var/tmp/pim-install.sh; do if [ -e "$file" ]; then echo "$file"; fi; done`,
  args: [buildKeyComment],
  judge({ stdout }) {
    const left = linesOf(stdout);
    return left.length === 0 ? passed("nothing of the build is left") : failed(`left in ${left.join(", ")}`);
  },
};

/** Whether apt's lists and archives are gone; what this very boot has fetched does not count. */
export const packageLists: GuestCheck = {
  name: "package lists",
  // By the time of the last change: apt gives its files the time that the server tells.
  script: `
command -v apt-get >/dev/null || { echo "the system has no apt"; exit 77; }
booted=$(awk '$1 == "btime" {print $2}' /proc/stat)
find /var/lib/apt/lists /var/cache/apt/archives -type f -size +0 ! -name lock ! -newerct "@$booted" -exec du -k {} +`,
  judge({ stdout }) {
    const { kib, files } = sizes(stdout);
    return files.length === 0
      ? passed("none")
      : failed(`${files.length} ${files.length === 1 ? "file" : "files"} of ${kib} KiB, such as ${files[0]}`);
  },
};

/** What the logs of a fresh image and of its first start may take up. */
const maxLogKiB = 8 * 1024;

/** Whether the image carries few logs; the journal of this very boot does not count. */
export const logs: GuestCheck = {
  name: "logs",
  script: `
find /var/log -type f ! -path "/var/log/journal/$(cat /etc/machine-id)/*" -exec du -k {} +`,
  judge({ stdout }) {
    const { kib, files } = sizes(stdout);
    return kib <= maxLogKiB
      ? passed(`${kib} KiB`)
      : failed(`${kib} KiB, more than ${maxLogKiB}; the largest is ${files[0]}`);
  },
};

/** What `du -k` says: KiB in all, and the files, the largest first. */
function sizes(stdout: string): { readonly kib: number; readonly files: readonly string[] } {
  const found = linesOf(stdout).map((line) => {
    const [kib, ...path] = line.split("\t");
    return { kib: Number(kib), path: path.join("\t") };
  });
  return {
    kib: found.reduce((sum, each) => sum + each.kib, 0),
    files: found.sort((a, b) => b.kib - a.kib).map(({ path }) => path),
  };
}
