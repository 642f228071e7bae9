import { isosOf, type KnownIso } from "./known.ts";

const root = "https://download.opensuse.org/distribution/leap/";
const note = "There is no release rule: the names have a build number.";

const about = {
  sources: ["https://en.opensuse.org/SDB:Download_help", "https://get.opensuse.org/leap/", root],
  note,
  signed: {
    // openSUSE Project Signing Key <opensuse@opensuse.org>, of 2022.
    fingerprint: "AD485664E901B867051AB15F35A2F86E29B700A4",
    keyUrl: `${root}16.0/repo/oss/repodata/repomd.xml.key`,
  },
};

const leap15 = isosOf("opensuse-leap-15.6", about, (architecture) => {
  const file = `openSUSE-Leap-15.6-DVD-${
    architecture === "amd64" ? "x86_64" : "aarch64"
  }-Build710.3-Media.iso`;
  return [{
    kind: "dvd",
    name: "openSUSE Leap 15.6, DVD",
    folder: `${root}15.6/iso/`,
    file,
    checksums: `${file}.sha256`,
    signature: `${file}.sha256.asc`,
    mirrors: ["https://mirrors.kernel.org/opensuse/distribution/leap/15.6/iso/"],
  }];
});

const aboutLeap16 = {
  ...about,
  note: `${note} arm64 is left out: the build number in its name is not known for certain.`,
};

const leap16 = isosOf("opensuse-leap-16.0", aboutLeap16, (architecture) => {
  if (architecture !== "amd64") return [];
  const file = "Leap-16.0-offline-installer-x86_64-Build178.27.install.iso";
  return [{
    kind: "offline",
    name: "openSUSE Leap 16.0, offline installer",
    folder: `${root}16.0/offline/`,
    file,
    checksums: `${file}.sha512`,
    signature: `${file}.sha512.asc`,
  }];
});

/** The ISOs of openSUSE Leap. */
export const openSuse: readonly KnownIso[] = [...leap16, ...leap15];
