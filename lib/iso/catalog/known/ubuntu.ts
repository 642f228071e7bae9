import { type Facts, isosOf, type KnownIso } from "./known.ts";

const about = {
  sources: [
    "https://documentation.ubuntu.com/security/software-integrity/image-verification/",
    "https://ubuntu.com/tutorials/how-to-verify-ubuntu",
    "https://releases.ubuntu.com/",
    "https://cdimage.ubuntu.com/releases/",
  ],
  signed: {
    // Ubuntu CD Image Automatic Signing Key (2012) <cdimage@ubuntu.com>.
    fingerprint: "843938DF228D22F7B3742BC0D94AA3F0EFE21092",
    keyUrl: "https://archive.ubuntu.com/ubuntu/project/ubuntu-archive-keyring.gpg",
  },
};

function release(series: string, codename: string, version: string): readonly KnownIso[] {
  const common = {
    kind: "live-server",
    name: `Ubuntu Server ${series} LTS (${codename})`,
    checksums: "SHA256SUMS",
    signature: "SHA256SUMS.gpg",
  };
  const pattern = `(${series.replace(".", "\\.")}\\.\\d+)`;
  return isosOf(`ubuntu-${series}`, about, (architecture): readonly Facts[] => {
    const file = `ubuntu-${version}-live-server-${architecture}.iso`;
    return [
      architecture === "amd64"
        ? {
          ...common,
          file,
          folder: `https://releases.ubuntu.com/${version}/`,
          mirrors: [`https://mirrors.edge.kernel.org/ubuntu-releases/${version}/`],
          release: { url: "https://releases.ubuntu.com/", pattern },
        }
        : {
          ...common,
          file,
          folder: `https://cdimage.ubuntu.com/releases/${version}/release/`,
          release: { url: "https://cdimage.ubuntu.com/releases/", pattern },
        },
    ];
  });
}

/** The ISOs of Ubuntu. */
export const ubuntu: readonly KnownIso[] = [
  ...release("26.04", "resolute", "26.04.1"),
  ...release("24.04", "noble", "24.04.5"),
  ...release("22.04", "jammy", "22.04.5"),
];
