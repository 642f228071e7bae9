import { isosOf, type KnownIso } from "./known.ts";

const [version, compose] = ["44", "44-1.7"];

const about = {
  sources: [
    "https://fedoraproject.org/security",
    `https://dl.fedoraproject.org/pub/fedora/linux/releases/${version}/Server/`,
  ],
  note:
    "There is no release rule: the names have a build number, and each release is signed by a key of its own.",
  signed: {
    fingerprint: "36F612DCF27F7D1A48A835E4DBFCF71C6D9F90A6",
    keyUrl: "https://fedoraproject.org/fedora.gpg",
  },
};

/** The ISOs of Fedora Server. */
export const fedora: readonly KnownIso[] = isosOf(`fedora-${version}`, about, (architecture) => {
  const machine = architecture === "amd64" ? "x86_64" : "aarch64";
  const path = `${version}/Server/${machine}/iso/`;
  const sums = `Fedora-Server-${compose}-${machine}-CHECKSUM`;
  return (["netinst", "dvd"] as const).map((kind) => ({
    kind: `server-${kind}`,
    name: `Fedora Server ${version}, ${kind === "dvd" ? "DVD" : "network installer"}`,
    folder: `https://dl.fedoraproject.org/pub/fedora/linux/releases/${path}`,
    file: `Fedora-Server-${kind}-${machine}-${compose}.iso`,
    checksums: sums,
    // Signed in line.
    signature: sums,
    mirrors: [`https://download.fedoraproject.org/pub/fedora/linux/releases/${path}`],
  }));
});
