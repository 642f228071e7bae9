import type { Architecture } from "../../../architecture.ts";
import { type Facts, isosOf, type KnownIso, type Signed } from "./known.ts";

/** A distribution built from the sources of Red Hat Enterprise Linux. */
interface Rebuild {
  readonly name: string;
  /** The beginning of its keys and, in its own letters, of its files. */
  readonly key: string;
  readonly prefix: string;
  /** The folder of its releases. */
  readonly root: string;
  /** The signature of CHECKSUM: CHECKSUM itself where it is signed in line. */
  readonly signature: string;
  readonly keySource: string;
  readonly mirror?: string;
}

const almaLinux: Rebuild = {
  name: "AlmaLinux",
  key: "almalinux",
  prefix: "AlmaLinux",
  root: "https://repo.almalinux.org/almalinux/",
  signature: "CHECKSUM",
  keySource: "https://almalinux.org/security/",
};

const rockyLinux: Rebuild = {
  name: "Rocky Linux",
  key: "rocky",
  prefix: "Rocky",
  root: "https://download.rockylinux.org/pub/rocky/",
  signature: "CHECKSUM.asc",
  keySource: "https://rockylinux.org/resources/gpg-key-info",
  mirror: "https://dl.rockylinux.org/pub/rocky/",
};

const machine: Readonly<Record<Architecture, string>> = { amd64: "x86_64", arm64: "aarch64" };
const titles = { minimal: "minimal", dvd: "DVD", boot: "network installer" } as const;

function release(
  { name, key, prefix, root, signature, keySource, mirror }: Rebuild,
  version: string,
  signed: Signed,
  dvd = "dvd",
): readonly KnownIso[] {
  const [major = ""] = version.split(".");
  const about = { sources: [keySource, root], signed };
  return isosOf(
    `${key}-${major}`,
    about,
    (architecture) =>
      (["minimal", "dvd", "boot"] as const).map((kind): Facts => {
        const path = `${version}/isos/${machine[architecture]}/`;
        return {
          kind,
          name: `${name} ${major}, ${titles[kind]}`,
          folder: root + path,
          file: `${prefix}-${version}-${machine[architecture]}-${kind === "dvd" ? dvd : kind}.iso`,
          checksums: "CHECKSUM",
          signature,
          ...(mirror !== undefined && { mirrors: [mirror + path] }),
          release: { url: root, pattern: `(${major}\\.\\d+)` },
        };
      }),
  );
}

/** The ISOs of AlmaLinux and Rocky Linux. */
export const enterpriseLinux: readonly KnownIso[] = [
  ...release(almaLinux, "10.2", {
    fingerprint: "EE6DB7B98F5BF5EDD9DA0DE5DEE5C11CC2A1E572",
    keyUrl: "https://repo.almalinux.org/almalinux/RPM-GPG-KEY-AlmaLinux-10",
  }),
  ...release(almaLinux, "9.8", {
    fingerprint: "BF18AC2876178908D6E71267D36CB86CB86B3716",
    keyUrl: "https://repo.almalinux.org/almalinux/RPM-GPG-KEY-AlmaLinux-9",
  }),
  ...release(rockyLinux, "10.2", {
    fingerprint: "FC226859C0860BF0DDB95B085B106C736FEDFC85",
    keyUrl: "https://download.rockylinux.org/pub/rocky/RPM-GPG-KEY-Rocky-10",
  }, "dvd1"),
  ...release(rockyLinux, "9.8", {
    fingerprint: "21CB256AE16FC54C6E652949702D426D350D275D",
    keyUrl: "https://download.rockylinux.org/pub/rocky/RPM-GPG-KEY-Rocky-9",
  }),
];
