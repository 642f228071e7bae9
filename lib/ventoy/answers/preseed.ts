import { replaceFetches } from "./fetches.ts";

// Debian's installer reads the preseed from its own memory, where Ventoy has put it (hook/debian/default-hook.sh), and
// where it stays for as long as the installer runs.
const onHost = "/ventoy/autoinstall";
const mark = "#pim:";

/**
 * A preseed that needs no seed server: it carries the late command in lines that are comments to the installer, and
 * takes it from there when its time has come. So no length of a line and no tool of the installer matters.
 *
 * @param chooseDisk whether the first disk that is not on USB shall be installed on
 */
export function standalonePreseed(preseed: string, script: string, chooseDisk: boolean): string {
  // Without quotes, since the template may have it in quotes already.
  const fetched = replaceFetches(preseed, (file) => `sed -n s/^.pim://p ${onHost} > ${file}`);
  const disk = chooseDisk && !hasOwnDisk(preseed) ? diskAnswers(hasOwnBootDisk(preseed)) : "";
  const carried = script.trimEnd().split("\n").map((line) => `${mark}${line}`).join("\n");
  return `${fetched.trimEnd()}\n${disk}\n# The late command.\n${carried}\n${endMark}\n`;
}

// A comment that ends in a backslash must not swallow an answer.
const endMark = "# The end of the late command.";

// The stick may well be the first disk of the machine: it is passed over, and so is every other one on USB. Without any
// other disk the installer asks.
function diskAnswers(bootDiskKnown: boolean): string {
  const boot = bootDiskKnown ? "" : 'debconf-set grub-installer/bootdev "$disk"; ';
  return `
# The first disk that is not on USB.
d-i partman/early_command string \\
  for disk in $(list-devices disk); do \\
  case "$(readlink -f "/sys/class/block/\${disk##*/}")" in */usb*) continue;; esac; \\
  debconf-set partman-auto/disk "$disk"; ${boot}break; done
`;
}

function hasOwnBootDisk(preseed: string): boolean {
  return /^\s*d-i\s+grub-installer\/bootdev\s+string\s+\//m.test(preseed);
}

/** Whether a preseed says by itself which disk is meant; the default template takes the first one, whatever it is. */
function hasOwnDisk(preseed: string): boolean {
  if (/^\s*d-i\s+partman-auto\/disk\s+string\s+\S/m.test(preseed)) return true;
  const command = /^\s*d-i\s+partman\/early_command\s+string\s+(.*)$/m.exec(preseed)?.[1];
  return command !== undefined && !/list-devices disk \| head -n ?1/.test(command);
}
