import { equal } from "node:assert/strict";
import { comparePackageVersions } from "../../lib/image/package_version.ts";
import type { PackageFormat } from "../../lib/image/manifest.ts";
import { run, which } from "../../lib/process.ts";

// Each pair: the older version, then the newer one.
const ordered: Readonly<Record<PackageFormat, readonly (readonly [string, string])[]>> = {
  deb: [
    ["1.9", "1.10"],
    ["1.0~rc1", "1.0"],
    ["1.0~~", "1.0~"],
    ["1.0", "1.0-1"],
    ["1.0", "1.0a"],
    ["1.0a", "1.0+"],
    ["1.0-9", "1.0-10"],
    ["9.0", "1:0.1"],
    ["7.88.1-10+deb12u5", "7.88.1-10+deb12u12"],
    ["2024a-0+deb12u1", "2024b-0+deb12u1"],
    ["1.0-1-1", "1.0-2-1"],
    ["1.2.3-4", "1.2.3-4.1"],
    ["20230311", "20240101"],
    ["1.0-1", "1.0-1+b1"],
    ["99999999999999999998", "99999999999999999999"],
    ["abc", "abd"],
  ],
  rpm: [
    ["1.9-1.el9", "1.10-1.el9"],
    ["1.0~rc1-1", "1.0-1"],
    ["1.0-1", "1.0^20240101git-1"],
    ["1.0^20240101git-1", "1.0.1-1"],
    ["5.14.0-362.8.1.el9_3", "5.14.0-362.13.1.el9_3"],
    ["9.0-1", "1:0.1-1"],
    ["1.0a-1", "1.0.1-1"],
    ["1.0-1", "1.0a-1"],
    ["2.34-83.el9.7", "2.34-83.el9.12"],
  ],
  apk: [
    ["1.9-r0", "1.10-r0"],
    ["1.36.1-r9", "1.36.1-r15"],
    ["3.0_alpha2-r0", "3.0_beta1-r0"],
    ["3.0_rc1-r0", "3.0-r0"],
    ["9.6-r0", "9.6_p1-r0"],
    ["9.6_p1-r0", "9.6_p2-r0"],
  ],
};

for (const [format, pairs] of Object.entries(ordered) as [PackageFormat, typeof ordered.deb][]) {
  Deno.test(`versions of ${format} packages are ordered as their package manager does`, () => {
    for (const [older, newer] of pairs) {
      const signs = [
        comparePackageVersions(format, older, newer),
        comparePackageVersions(format, newer, older),
        comparePackageVersions(format, newer, newer),
      ].map(Math.sign);
      equal(signs.join(" "), "-1 1 0", `${older} and ${newer}`);
    }
  });
}

Deno.test("versions that are written otherwise can be equal", () => {
  for (const [one, other] of [["1.0", "0:1.0"], ["1.01", "1.1"], ["1.0", "1.0-0"]] as const) {
    equal(comparePackageVersions("deb", one, other), 0, `${one} and ${other}`);
  }
});

Deno.test({
  name: "dpkg itself orders the pairs of deb versions in this way",
  ignore: await which("dpkg") === undefined,
  fn: async () => {
    for (const [older, newer] of ordered.deb) {
      // It warns of versions that begin with a letter, and compares them all the same.
      await run(["dpkg", "--compare-versions", older, "lt", newer]);
    }
  },
});
