import { deepEqual, equal, ok } from "node:assert/strict";
import { cloudInitMilestone } from "../../lib/installer/cloud_init.ts";
import { debian } from "../../lib/installer/debian.ts";
import { installers } from "../../lib/installer/installers.ts";
import { milestoneShare } from "../../lib/installer/milestones.ts";
import { ubuntu } from "../../lib/installer/ubuntu.ts";

Deno.test("Debian's milestones are its menu items and what it unpacks, in words", () => {
  const lines = [
    "main-menu[300]: INFO: Menu item 'partman-base' selected",
    "main-menu[300]: INFO: Menu item 'some-new-udeb' selected",
    "in-target: Setting up openssh-server (1:9.2p1-2+deb12u3) ...",
    "debootstrap: I: Retrieving libc6 2.36-9",
    "kernel: [    1.234567] random: crng init done",
  ];
  deepEqual(lines.map((line) => debian.milestone(line)), [
    "partitioning",
    "some-new-udeb",
    "setting up openssh-server",
    "retrieving libc6",
    undefined,
  ]);
});

Deno.test("Ubuntu's milestones are told in its own words where it has some, else by their paths", () => {
  const lines = [
    "[  145.2] subiquity-server[1820]: start: subiquity/Install/install/curtin_install: installing system",
    "start: subiquity/Network/apply_autoinstall_config",
    "start: subiquity/Meta/status_GET:",
    "[   31.5] cloud-init[1234]: Cloud-init v. 24.1.3-0ubuntu3 running 'modules:config' at Thu, 25 Apr 2024. Up 31 seconds.",
    "finish: subiquity/Install/install/curtin_install: SUCCESS: installing system",
  ];
  deepEqual(lines.map((line) => ubuntu.milestone(line)), [
    "installing system",
    "Network apply autoinstall config",
    "Meta status GET",
    "cloud-init: configuring the system",
    undefined,
  ]);
});

Deno.test("cloud-init's stages are told in words, and one that is new by its name", () => {
  const line = (what: string) =>
    `[   12.3] cloud-init[345]: Cloud-init v. 22.4.2 ${what} Mon, 05 Jan 2026 10:00:00`;
  equal(cloudInitMilestone(line("running 'init-local' at")), "cloud-init: looking for its data");
  equal(cloudInitMilestone(line("running 'modules:new' at")), "cloud-init: modules:new");
  equal(cloudInitMilestone(line("finished at")), "cloud-init has finished");
  equal(cloudInitMilestone("cloud-init[345]: ci-info: no authorized SSH keys"), undefined);
});

Deno.test("the shares of an installation rise from milestone to milestone", () => {
  for (const { shares } of installers) {
    const values = Object.values(shares);
    deepEqual(values, values.toSorted((a, b) => a - b));
    ok(values.every((share) => share > 0 && share < 1));
  }
  equal(milestoneShare("partitioning"), 0.11);
  equal(milestoneShare("setting up libc6"), undefined);
});
