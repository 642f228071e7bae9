import type { Profile } from "pim";

// What the recipes have in common. Put your own user and keys here.
export default {
  description: "Debian 13 as the recipes begin with it",
  iso: "debian-13-{arch}-netinst",
  username: "ops",
  // sshAuthorizedKeys: ["ssh-ed25519 AAAA… you@laptop"],
  timezone: "Etc/UTC",
  packages: ["ca-certificates", "curl", "unattended-upgrades"],
  scripts: ["cloud"],
} satisfies Profile;
