import type { Manifest } from "../../lib/image/manifest.ts";

/** A manifest as the build of a small Debian makes it. */
export function sampleManifest(more: Partial<Manifest> = {}): Manifest {
  return {
    version: 1,
    image: {
      name: "web-amd64-20260101T120000Z",
      profile: "web",
      architecture: "amd64",
      file: "web-amd64-20260101T120000Z.qcow2",
      virtualBytes: 21_474_836_480,
      bytes: 524_288_000,
      sha256: "a".repeat(64),
      created: "2026-01-01T12:03:04.567Z",
      firmware: "bios",
    },
    pim: { version: "0.1.0" },
    qemu: { version: "7.2.0", accelerator: "tcg" },
    installer: { family: "debian", version: "12.5.0" },
    iso: {
      key: "debian-12-amd64-netinst",
      filename: "debian-12.iso",
      url: "https://example.org/debian-12.iso",
      checksum: `sha512:${"b".repeat(128)}`,
    },
    system: {
      id: "debian",
      prettyName: "Debian GNU/Linux 12 (bookworm)",
      versionId: "12",
      kernel: "6.1.0-18-amd64",
      packageFormat: "deb",
    },
    digestId: "0123456789abcdef",
    layers: [
      {
        step: "install",
        key: "1".repeat(64),
        inputs: { "ISO": "2".repeat(64), "preseed.cfg": "3".repeat(64) },
        reused: true,
      },
      {
        step: "script base",
        key: "4".repeat(64),
        inputs: { "scripts.d/base.sh": "5".repeat(64), "$PIM_HOSTNAME": "6".repeat(64) },
        reused: false,
      },
    ],
    scripts: [{ name: "base", sha256: "c".repeat(64) }],
    packages: [
      { name: "curl", version: "7.88.1-10+deb12u5", architecture: "amd64" },
      { name: "g++", version: "4:12.2.0-3", architecture: "amd64", source: "gcc-defaults" },
      { name: "tzdata", version: "2024a-0+deb12u1", architecture: "all" },
    ],
    steps: [{ step: "check host", elapsedMs: 120 }, { step: "script base", elapsedMs: 3400 }],
    ...more,
  };
}
