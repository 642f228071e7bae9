import { deepStrictEqual } from "node:assert/strict";
import { openSshArgs } from "../../../lib/deploy/ssh/open_ssh.ts";

const login = {
  ...{ host: "storage.example.org", port: 2222, username: "deploy" },
  hostPublicKey: "ssh-ed25519 AAAA",
};

Deno.test("ssh is told the host's only key and the keys to log in with, whatever the user's ssh_config says", () => {
  deepStrictEqual(
    openSshArgs({ ...login, files: ["/home/a/100%/id"] }, "/work/a b/known_hosts", "exec true"),
    [
      ...["ssh", "-F", "none", "-T"],
      ...["-o", "BatchMode=yes"],
      ...["-o", "HostKeyAlias=target"],
      ...["-o", 'UserKnownHostsFile="/work/a b/known_hosts"'],
      ...["-o", "GlobalKnownHostsFile=/dev/null"],
      ...["-o", "StrictHostKeyChecking=yes"],
      ...["-o", "IdentitiesOnly=yes"],
      ...["-o", "PreferredAuthentications=publickey"],
      ...["-o", "Ciphers=^aes128-gcm@openssh.com"],
      ...["-o", "ConnectTimeout=30"],
      ...["-o", "ServerAliveInterval=6"],
      ...["-o", "ServerAliveCountMax=10"],
      ...["-o", "LogLevel=ERROR"],
      ...["-i", "/home/a/100%%/id"],
      ...["-p", "2222", "-l", "deploy", "--", "storage.example.org", "exec true"],
    ],
  );
});

Deno.test("with an agent all of its keys may be tried", () => {
  const argv = openSshArgs({ ...login, files: [], agent: "/run/agent" }, "/known_hosts", "exec true");
  deepStrictEqual([argv.includes("IdentitiesOnly=no"), argv.includes("-i")], [true, false]);
});
