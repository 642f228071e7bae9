import assert from "node:assert/strict";
import { UsageError } from "../../lib/errors.ts";
import { run } from "../../lib/process.ts";
import { parseOperand, planCopy, scpArgs, scpDialect } from "../../lib/vm/login/scp_args.ts";
import { sshArgs, sshConfig, sshOptions, sshProbeArgs, type SshTarget } from "../../lib/vm/login/ssh_args.ts";
import { tempDir } from "../base/temp.ts";

const plain: SshTarget = {
  vmName: "demo",
  host: "127.0.0.1",
  port: 2222,
  knownHostsFile: "/data/vms/demo/known_hosts",
};

const full: SshTarget = {
  vmName: "lab.1",
  host: "2001:db8::7",
  port: 22,
  username: "ansible",
  identityFile: "/keys/100% mine",
  knownHostsFile: '/da"ta\\x/vms/lab.1/known_hosts',
};

const session = { command: [], tty: false };

const plainOptions = [
  ...["-o", "HostName=127.0.0.1", "-o", "Port=2222", "-o", "HostKeyAlias=pim-demo"],
  ...["-o", "UserKnownHostsFile=/data/vms/demo/known_hosts", "-o", "GlobalKnownHostsFile=/dev/null"],
  ...["-o", "StrictHostKeyChecking=accept-new", "-o", "ProxyCommand=none", "-o", "LogLevel=ERROR"],
];

const fullOptions = [
  ...["-o", "HostName=2001:db8::7", "-o", "Port=22", "-o", "User=ansible", "-o", "HostKeyAlias=pim-lab.1"],
  ...[
    "-o",
    'UserKnownHostsFile="/da\\"ta\\\\x/vms/lab.1/known_hosts"',
    "-o",
    "GlobalKnownHostsFile=/dev/null",
  ],
  ...["-o", "StrictHostKeyChecking=accept-new", "-o", 'IdentityFile="/keys/100%% mine"'],
  ...["-o", "ProxyCommand=none", "-o", "LogLevel=ERROR"],
];

Deno.test("ssh gets the VM's port, its own known hosts, and nothing of a user that nobody named", () => {
  assert.deepEqual(sshArgs(plain, session), ["ssh", ...plainOptions, "pim-demo"]);
});

Deno.test("ssh gets the user, the key and paths as ssh_config quotes them; addresses of any family", () => {
  assert.deepEqual(sshArgs(full, session), ["ssh", ...fullOptions, "pim-lab.1"]);
});

Deno.test("several words are quoted one by one; a single one is a line for the guest's shell", () => {
  const line = (...command: string[]) => sshArgs(plain, { command, tty: false }).slice(-3);
  assert.deepEqual(line("echo", "a b", "it's", "$HOME"), ["pim-demo", "--", `echo 'a b' 'it'\\''s' '$HOME'`]);
  assert.deepEqual(line("ls *.log | wc -l"), ["pim-demo", "--", "ls *.log | wc -l"]);
  assert.deepEqual(line("-v"), ["pim-demo", "--", "-v"]);
  assert.deepEqual(sshArgs(plain, { command: ["htop"], tty: true }), [
    ...["ssh", ...plainOptions, "-t", "pim-demo", "--", "htop"],
  ]);
});

Deno.test("the second look at a failed login asks nothing and tries no way to log in", () => {
  assert.deepEqual(sshProbeArgs(plain), [
    ...["ssh", ...plainOptions, "-o", "BatchMode=yes", "-o", "PreferredAuthentications=none"],
    ...["-o", "ConnectTimeout=5", "pim-demo", "--", "true"],
  ]);
});

Deno.test("the block for ssh_config has the same settings, and leaves the log level to the user", () => {
  assert.equal(
    sshConfig(full),
    `Host pim-lab.1
  HostName 2001:db8::7
  Port 22
  User ansible
  HostKeyAlias pim-lab.1
  UserKnownHostsFile "/da\\"ta\\\\x/vms/lab.1/known_hosts"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking accept-new
  IdentityFile "/keys/100%% mine"
  ProxyCommand none`,
  );
});

Deno.test("VM:PATH is told from a path here as scp does it", () => {
  const local = (path: string) => assert.deepEqual(parseOperand(path), { kind: "local", path });
  ["a", "./a:b", "/a:b", "dir/a:b", ":a", "..", "a b"].forEach(local);
  assert.deepEqual(parseOperand("demo:"), { kind: "vm", vm: "demo", path: "" });
  assert.deepEqual(parseOperand("demo:/a b:c\nd"), { kind: "vm", vm: "demo", path: "/a b:c\nd" });
  assert.deepEqual(parseOperand("root@demo:x"), { kind: "vm", vm: "root@demo", path: "x" });
});

Deno.test("a copy goes into one VM or out of one", () => {
  assert.deepEqual(planCopy(["a", "./b:c", "demo:/tmp"]), {
    direction: "in",
    vm: "demo",
    sources: ["a", "./b:c"],
    to: "/tmp",
  });
  assert.deepEqual(planCopy(["demo:a", "demo:/b", "."]), {
    direction: "out",
    vm: "demo",
    sources: ["a", "/b"],
    to: ".",
  });
  const cases: [string[], RegExp][] = [
    [["a", "b"], /Neither the source nor the destination is in a VM/],
    [["one:a", "two:b"], /not from VM to VM/],
    [["one:a", "two:b", "c"], /in different places/],
    [["one:a", "b", "c"], /in different places/],
    [["a", ""], /cannot be empty/],
    [["one:a"], /needs a source and a destination/],
  ];
  for (const [words, message] of cases) {
    assert.throws(
      () => planCopy(words),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  }
});

Deno.test("scp takes folders too, and no path for an option or for another host", () => {
  const copy = planCopy(["a/b:c", "./d:e", "/f", "-g", "demo:/tmp/x y"]);
  assert.deepEqual(scpArgs(plain, copy, { dialect: "sftp", quiet: false }), [
    ...["scp", "-r", ...plainOptions, "--", "./a/b:c", "./d:e", "/f", "./-g", "pim-demo:/tmp/x y"],
  ]);
  const out = planCopy(["lab.1:it's", "lab.1:/b", "."]);
  assert.deepEqual(scpArgs(full, out, { dialect: "sftp-flag", quiet: true }), [
    ...["scp", "-r", "-s", "-q", ...fullOptions, "--", "pim-lab.1:it's", "pim-lab.1:/b", "./."],
  ]);
});

Deno.test("an scp from before SFTP gets the guest's paths quoted for its shell", () => {
  const there = (path: string) =>
    scpArgs(plain, planCopy(["x", `demo:${path}`]), { dialect: "shell", quiet: false }).at(-1);
  assert.equal(there("/tmp/it's a b"), `pim-demo:'/tmp/it'\\''s a b'`);
  assert.equal(there("~/a b"), "pim-demo:'a b'");
  assert.equal(there("~"), "pim-demo:");
  assert.equal(there(""), "pim-demo:");
});

Deno.test("the dialect of an scp follows from its version", () => {
  const cases = [
    ["OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0.19 27 Jan 2026\n", "sftp"],
    ["OpenSSH_10.0p2, LibreSSL 3.3.6", "sftp"],
    ["OpenSSH_8.9p1 Ubuntu-3ubuntu0.10, OpenSSL 3.0.2", "sftp-flag"],
    ["OpenSSH_8.7p1, OpenSSL 3.0.7", "sftp-flag"],
    ["OpenSSH_8.4p1 Debian-5+deb11u3, OpenSSL 1.1.1w", "shell"],
    ["OpenSSH_7.4p1, OpenSSL 1.0.2k-fips", "shell"],
    ["Sun_SSH_1.1", "sftp"],
  ] as const;
  for (const [text, dialect] of cases) assert.equal(scpDialect(text), dialect, text);
});

Deno.test("a VM's folder may have any name: ssh reads its known hosts back as they were meant", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/a b"c%d#e'f\\g\\\\h/known_hosts`;
  const { stdout } = await run(["ssh", "-G", ...sshOptions({ ...plain, knownHostsFile: file }), "pim-demo"]);
  assert.match(stdout, /^hostname 127\.0\.0\.1$/m);
  assert.equal(/^userknownhostsfile (.*)$/m.exec(stdout)?.[1], file);
});
