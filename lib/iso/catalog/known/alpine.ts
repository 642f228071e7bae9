import { isosOf, type KnownIso } from "./known.ts";

const version = "3.24.1";
const branch = "3.24";

const about = {
  sources: [
    "https://www.alpinelinux.org/downloads/",
    `https://dl-cdn.alpinelinux.org/alpine/v${branch}/releases/`,
  ],
  note: "There is no signature: Alpine signs the ISO itself, not its checksum file.",
};

/** The ISOs of Alpine Linux. */
export const alpine: readonly KnownIso[] = isosOf(`alpine-${branch}`, about, (architecture) => {
  const machine = architecture === "amd64" ? "x86_64" : "aarch64";
  const folder = `https://dl-cdn.alpinelinux.org/alpine/v${branch}/releases/${machine}/`;
  const file = `alpine-virt-${version}-${machine}.iso`;
  const pattern = `alpine-virt-(${branch.replace(".", "\\.")}\\.\\d+)-${machine}\\.iso`;
  return [{
    kind: "virt",
    name: `Alpine Linux ${branch}, for virtual machines`,
    folder,
    file,
    checksums: `${file}.sha256`,
    release: { url: folder, pattern },
  }];
});
