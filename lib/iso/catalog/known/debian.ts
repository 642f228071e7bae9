import { type Facts, isosOf, type KnownIso } from "./known.ts";

// Debian keeps every release but the current one under cdimage/archive for good, so these URLs do not go stale.
const archive = "https://cdimage.debian.org/cdimage/archive/";

const about = {
  sources: ["https://www.debian.org/CD/verify", archive],
  signed: {
    // Debian CD signing key <debian-cd@lists.debian.org>, of 2011.
    fingerprint: "DF9B9C49EAA9298432589D76DA87E80D6294BE9B",
    keyUrl: "https://www.debian.org/CD/key-DA87E80D6294BE9B.txt",
  },
};

function release(major: string, codename: string, version: string): readonly KnownIso[] {
  const common = {
    checksums: "SHA256SUMS",
    signature: "SHA256SUMS.sign",
    release: { url: archive, pattern: `(${major}\\.\\d+\\.\\d+)` },
  };
  const title = `Debian ${major} (${codename})`;
  return isosOf(`debian-${major}`, about, (architecture): readonly Facts[] => [
    {
      ...common,
      kind: "netinst",
      name: `${title}, network installer`,
      folder: `${archive}${version}/${architecture}/iso-cd/`,
      file: `debian-${version}-${architecture}-netinst.iso`,
    },
    {
      ...common,
      kind: "dvd",
      name: `${title}, first DVD`,
      folder: `${archive}${version}/${architecture}/iso-dvd/`,
      file: `debian-${version}-${architecture}-DVD-1.iso`,
    },
  ]);
}

/** The ISOs of Debian. */
export const debian: readonly KnownIso[] = [
  ...release("13", "trixie", "13.6.0"),
  ...release("12", "bookworm", "12.15.0"),
];
