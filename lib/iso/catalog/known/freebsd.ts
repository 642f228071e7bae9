import { isosOf, type KnownIso } from "./known.ts";

const about = {
  sources: ["https://www.freebsd.org/where/", "https://download.freebsd.org/releases/"],
  note:
    "There is no signature: the checksum files beside the ISOs are not signed, only those in the announcements.",
};

function release(version: string): readonly KnownIso[] {
  const [major = ""] = version.split(".");
  return isosOf(`freebsd-${major}`, about, (architecture) => {
    const machine = architecture === "amd64" ? "amd64" : "arm64-aarch64";
    const root = `https://download.freebsd.org/releases/${
      architecture === "amd64" ? "amd64/amd64" : "arm64/aarch64"
    }/ISO-IMAGES/`;
    const system = `FreeBSD-${version}-RELEASE-${machine}`;
    return (["disc1", "bootonly"] as const).map((kind) => ({
      kind,
      name: `FreeBSD ${major}, ${kind === "disc1" ? "installer with the base system" : "network installer"}`,
      folder: `${root}${version}/`,
      file: `${system}-${kind}.iso`,
      checksums: `CHECKSUM.SHA512-${system}`,
      release: { url: root, pattern: `(${major}\\.\\d+)` },
    }));
  });
}

/** The ISOs of FreeBSD. */
export const freeBsd: readonly KnownIso[] = [...release("15.1"), ...release("14.4")];
