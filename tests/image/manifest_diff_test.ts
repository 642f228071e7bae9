import { deepEqual } from "node:assert/strict";
import type { GuestPackage, Manifest } from "../../lib/image/manifest.ts";
import { diffManifests } from "../../lib/image/manifest_diff.ts";
import { sampleManifest } from "./sample_manifest.ts";

const packagesDiff = (before: readonly GuestPackage[], after: readonly GuestPackage[]) => {
  const { added, removed, upgraded, downgraded } =
    diffManifests(sampleManifest({ packages: before }), sampleManifest({ packages: after })).packages;
  const words = (list: typeof added) =>
    list.map(({ name, architecture, before = "-", after = "-" }) =>
      `${name} ${architecture} ${before} ${after}`
    );
  return {
    added: words(added),
    removed: words(removed),
    upgraded: words(upgraded),
    downgraded: words(downgraded),
  };
};
const deb = (name: string, version: string, architecture = "amd64") => ({ name, version, architecture });
const none = { added: [], removed: [], upgraded: [], downgraded: [] };

Deno.test("an image does not differ from itself", () => {
  deepEqual(diffManifests(sampleManifest(), sampleManifest()), {
    inputs: [],
    digestsCompared: true,
    system: [],
    packages: none,
  });
});

Deno.test("packages are added, removed, upgraded and downgraded", () => {
  const kept = deb("bash", "5.2");
  deepEqual(
    packagesDiff(
      [kept, deb("curl", "7.9"), deb("less", "590"), deb("vim", "2:9.0")],
      [kept, deb("curl", "7.10"), deb("git", "2.39"), deb("vim", "2:8.2")],
    ),
    {
      added: ["git amd64 - 2.39"],
      removed: ["less amd64 590 -"],
      upgraded: ["curl amd64 7.9 7.10"],
      downgraded: ["vim amd64 2:9.0 2:8.2"],
    },
  );
});

Deno.test("a package of two architectures, or with two versions at once, is not taken for a change", () => {
  const both = [deb("libc6", "2.36"), deb("libc6", "2.36", "i386")];
  deepEqual(packagesDiff(both, both), none);
  deepEqual(packagesDiff([deb("libc6", "2.36")], [deb("libc6", "2.37"), deb("libc6", "2.37", "i386")]), {
    ...none,
    added: ["libc6 i386 - 2.37"],
    upgraded: ["libc6 amd64 2.36 2.37"],
  });
  const kernels = (...versions: string[]) => versions.map((version) => deb("kernel", version, "x86_64"));
  deepEqual(packagesDiff(kernels("6.1", "6.2"), kernels("6.2", "6.3")), {
    ...none,
    upgraded: ["kernel x86_64 6.1 6.3"],
  });
  deepEqual(packagesDiff(kernels("6.1"), kernels("6.1", "6.2")), {
    ...none,
    added: ["kernel x86_64 - 6.2"],
  });
});

Deno.test("inputs are named as people know them, the content of scripts and answer files among them", () => {
  const before = sampleManifest();
  const [install, base] = before.layers;
  const after: Manifest = {
    ...before,
    qemu: { version: "8.2.0", accelerator: "tcg" },
    iso: { ...before.iso, key: "debian-13-amd64-netinst", checksum: `sha256:${"9".repeat(64)}` },
    layers: [
      { ...install!, inputs: { ...install!.inputs, "ISO": "e".repeat(64), "preseed.cfg": "f".repeat(64) } },
      { ...base!, inputs: { ...base!.inputs, "scripts.d/base.sh": "0".repeat(64) } },
    ],
    scripts: [{ name: "extra", sha256: "7".repeat(64) }, { name: "base", sha256: "d".repeat(64) }],
    system: { ...before.system, kernel: "6.12.0-1-amd64" },
  };
  const { inputs, system } = diffManifests(before, after);
  deepEqual(inputs, [
    { what: "ISO", before: "debian-12-amd64-netinst", after: "debian-13-amd64-netinst" },
    { what: "ISO checksum", before: before.iso.checksum, after: after.iso.checksum },
    { what: "QEMU", before: "7.2.0", after: "8.2.0" },
    { what: "script base", before: "c".repeat(64), after: "d".repeat(64) },
    { what: "scripts", before: "base", after: "extra, base" },
    { what: "preseed.cfg", before: "3".repeat(64), after: "f".repeat(64) },
    { what: "script extra", after: "7".repeat(64) },
  ]);
  deepEqual(system, [{ what: "kernel", before: "6.1.0-18-amd64", after: "6.12.0-1-amd64" }]);
});

Deno.test("digests that were made with another secret are not compared", () => {
  const before = sampleManifest();
  const [install] = before.layers;
  const after = sampleManifest({
    digestId: "fedcba9876543210",
    layers: [{ ...install!, inputs: { "preseed.cfg": "f".repeat(64) } }],
  });
  const { inputs, digestsCompared } = diffManifests(before, after);
  deepEqual({ inputs, digestsCompared }, { inputs: [], digestsCompared: false });
});
