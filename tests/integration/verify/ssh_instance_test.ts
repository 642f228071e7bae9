// What an instance of a cloud looks like from here, with a real sshd in place of its own.
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { type SshInstance, sshInstanceMachine } from "../../../lib/verify/ssh_instance.ts";
import { freePort, type Sshd, startSshd } from "../../ssh/sshd.ts";

const { signal } = new AbortController();
const limits = { timeoutMs: 20_000, signal };

interface Cloud {
  readonly port: number;
  readonly login: { readonly username: string; readonly privateKey: string };
  address?: SshInstance["address"];
  isRunning?: SshInstance["isRunning"];
}

function machineAt({ port, login, ...cloud }: Cloud) {
  return sshInstanceMachine({
    ...{ name: "i-1", startedMs: performance.now(), login: { ...login, userData: "" } },
    address: () => Promise.resolve({ host: "127.0.0.1", port }),
    isRunning: () => Promise.resolve(true),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    ...cloud,
  });
}

const loginOf = ({ username, key }: Sshd) => ({ username, privateKey: key.privateKey });

Deno.test("an instance is asked as root once it has an address and cloud-init has let pim in", async () => {
  await using sshd = await startSshd({ allowed: false });
  let asked = 0;
  await using machine = machineAt({
    ...{ port: sshd.port, login: loginOf(sshd) },
    address() {
      asked++;
      return Promise.resolve(asked === 1 ? undefined : { host: "127.0.0.1", port: sshd.port });
    },
  });
  deepStrictEqual([machine.ssh], [undefined]);
  const seen = machine.observe(limits);
  await sshd.allow(sshd.key.publicKey);
  const { agent, ssh } = await seen;
  ok("untried" in agent && "afterMs" in ssh && asked === 2);
  match(machine.ssh?.hostKey ?? "", /^SHA256:/);
  ok(machine.ssh?.open, "no password is sent to it");
  const script = 'id -u; cat; echo "$1" >&2; exit 3';
  const run = await machine.root.run({ argv: ["/bin/sh", "-c", script, "sh", "it's"], stdin: "in" }, limits);
  deepStrictEqual(run, { ended: true, status: 3, stdout: "0\nin", stderr: "it's\n" });
  const late = await machine.root.run({ argv: ["/bin/sh", "-c", "echo so far; exec sleep 3"] }, {
    ...{ timeoutMs: 700, signal },
  });
  deepStrictEqual(late, { ended: false, status: undefined, stdout: "so far\n", stderr: "" });
});

Deno.test("a lost connection is made anew, but not to another machine at the same address", async () => {
  const port = freePort();
  const first = await startSshd({ port });
  await using machine = machineAt({ port, login: loginOf(first) });
  ok("afterMs" in (await machine.observe(limits)).ssh);
  // Whose parent is sudo, whose parent is the server's process for this connection.
  const cut = ["/bin/sh", "-c", "kill $(ps -o ppid= $PPID)"];
  await rejects(machine.root.run({ argv: cut }, limits), /connection was lost/);
  strictEqual((await machine.root.run({ argv: ["id", "-un"] }, limits)).stdout, "root\n");
  await rejects(machine.root.run({ argv: cut }, limits), /connection was lost/);
  await first[Symbol.asyncDispose]();
  await using _other = await startSshd({ port, key: first.key });
  await rejects(
    machine.root.run({ argv: ["true"] }, limits),
    /has the host key SHA256:.*, not the expected/,
  );
});

Deno.test("an instance that ends by itself, one that has no address, and one that lets nobody in", async () => {
  await using sshd = await startSshd({ allowed: false });
  const at = { port: sshd.port, login: loginOf(sshd) };
  const seen = async (cloud: Cloud, timeoutMs: number) =>
    (await machineAt(cloud).observe({ timeoutMs, signal })).ssh;
  const nowhere = () => Promise.resolve(undefined);
  deepStrictEqual(
    await seen({ ...at, address: nowhere, isRunning: () => Promise.resolve(false) }, 20_000),
    { missing: "the machine ended by itself" },
  );
  deepStrictEqual(await seen({ ...at, address: nowhere }, 100), { missing: "no address within 0.1 s" });
  const refused = await seen(at, 1500);
  match("missing" in refused ? refused.missing : "", /the login was refused/);
});

Deno.test("an instance that lets pim in but not become root is told as that, and left", async () => {
  await using sshd = await startSshd({ config: ["ForceCommand echo not you >&2; false"] });
  await using machine = machineAt({ port: sshd.port, login: loginOf(sshd) });
  const { ssh } = await machine.observe(limits);
  match("missing" in ssh ? ssh.missing : "", /can log in, but cannot be root: not you/);
  strictEqual(machine.ssh, undefined);
});
