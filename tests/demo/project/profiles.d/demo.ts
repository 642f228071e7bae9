import type { Profile } from "pim";

export default {
  description: "The demo: a small Debian from the demo installer ISO",
  iso: "demo-{arch}-netinst",
  architectures: ["amd64"],
  username: "demo",
  password: "demo-Passw0rd",
  fullname: "Demo User",
  sshAuthorizedKeys: [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDhJdMQCk0dTdPFpdWogD5Z2dQON1wjdbQAZCQIVIBgU demo@example.org",
  ],
  hostname: "pim-demo",
  domain: "example.org",
  timezone: "Europe/Berlin",
  packages: ["curl", "jq"],
  scripts: ["motd"],
  build: { installTimeoutMinutes: 20, sshTimeoutMinutes: 10, scriptTimeoutMinutes: 10 },
  vars: { greeting: "hello from pim's vars" },
} satisfies Profile;
