import type { GuestPackage, PackageFormat } from "../../image/manifest.ts";

/** A package manager of a guest: how it is asked for what is installed, and how its answer is read. */
export interface PackageManager {
  readonly format: PackageFormat;
  /** A shell command that any user may run; it fails where the package manager is not installed. */
  readonly command: string;
  parse(output: string): GuestPackage[];
}

/** All that pim knows, in the order in which a guest is asked: some systems have rpm or dpkg as a tool only. */
export const packageManagers: readonly PackageManager[] = [
  {
    format: "deb",
    // source:Package since dpkg 1.16.2, db:Status-Status since 1.17.11.
    command: "dpkg-query -W -f " +
      "'${db:Status-Status}\\t${Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\n'",
    parse: (output) => sorted(lines(output).flatMap(debPackage)),
  },
  {
    format: "rpm",
    command: "rpm -qa --qf '%{NAME}\\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\n'",
    parse: (output) => sorted(lines(output).flatMap(rpmPackage)),
  },
  {
    format: "apk",
    // `apk list` prints no source package; the database has it, in a format that apk's wiki describes.
    command: "cat /lib/apk/db/installed",
    parse: (output) => sorted(output.split(/\n\n+/).flatMap(apkPackage)),
  },
];

function lines(output: string): string[] {
  return output.split("\n").filter((line) => line !== "");
}

// Of these only settings are left, if anything: dpkg(1), package states.
const gone = new Set(["not-installed", "config-files"]);

function debPackage(line: string): GuestPackage[] {
  const [status = "", name = "", version = "", architecture = "", source = ""] = line.split("\t");
  return gone.has(status) ? [] : installed(name, version, architecture, source);
}

function rpmPackage(line: string): GuestPackage[] {
  const [name = "", version = "", architecture = "", sourceRpm = ""] = line.split("\t");
  // Keys that rpm trusts stand among the packages.
  if (name === "gpg-pubkey") return [];
  return installed(name, version.replace(/^0:/, ""), architecture, sourceRpm.replace(/-[^-]+-[^-]+$/, ""));
}

function apkPackage(record: string): GuestPackage[] {
  const field = (letter: string) => new RegExp(`^${letter}:(.*)$`, "m").exec(record)?.[1] ?? "";
  return installed(field("P"), field("V"), field("A"), field("o"));
}

function installed(name: string, version: string, architecture: string, source: string): GuestPackage[] {
  if (name === "" || version === "") return [];
  const other = source !== "" && source !== name && source !== "(none)";
  return [{ name, version, architecture, ...(other && { source }) }];
}

function sorted(packages: GuestPackage[]): GuestPackage[] {
  const key = ({ name, architecture, version }: GuestPackage) => `${name}\t${architecture}\t${version}`;
  return packages.toSorted((a, b) => key(a) < key(b) ? -1 : 1);
}
