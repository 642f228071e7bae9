import type { Profile } from "pim";

// A machine to work on. Build it with: pim build run developer
export default {
  description: "Debian with the tools of every day",
  iso: "debian-13-{arch}-netinst",
  username: "dev",
  fullname: "Developer",
  // sshAuthorizedKeys: ["ssh-ed25519 AAAA… you@laptop"],
  packages: ["build-essential", "curl", "git", "jq", "vim"],
  build: { diskSize: "20G" },
  vars: { editor: "vim" },
} satisfies Profile;
