import { deepEqual, equal, match } from "node:assert/strict";
import { removeIfThere } from "../../../lib/files.ts";
import { runtimeFiles } from "../../../lib/paths.ts";
import { agentServer } from "../../qemu/agent_server.ts";
import { realAgent, realAgentMissing } from "../../qemu/real_agent.ts";
import { smallArgs, type SmallVms, smallVms } from "../../vm/small_vms.ts";

const interfaces = [
  {
    name: "lo",
    "hardware-address": "00:00:00:00:00:00",
    "ip-addresses": [{ "ip-address": "127.0.0.1", "ip-address-type": "ipv4", prefix: 8 }],
  },
  {
    name: "ens3",
    "hardware-address": "52:54:00:00:00:01",
    "ip-addresses": [
      { "ip-address": "fe80::1", "ip-address-type": "ipv6", prefix: 64 },
      { "ip-address": "10.0.2.15", "ip-address-type": "ipv4", prefix: 24 },
    ],
  },
  { name: "ens4", "hardware-address": "52:54:00:00:00:02" },
];

const answers: Record<string, unknown> = {
  "guest-network-get-interfaces": { return: interfaces },
  "guest-get-osinfo": {
    return: { "pretty-name": "Debian GNU/Linux 12", "version-id": "12", machine: "x86_64" },
  },
  "guest-get-host-name": { return: { "host-name": "web" } },
  "guest-get-users": {
    error: { class: "CommandNotFound", desc: "Command guest-get-users has been disabled" },
  },
};

/** Starts the VM demo and returns where its QEMU would have a guest's agent answer. */
async function startDemo(vms: SmallVms): Promise<string> {
  equal((await vms.pim("run", vms.image, "--name", "demo", ...smallArgs)).code, 0);
  const { agent } = runtimeFiles(vms.places.runtimeDir, "demo");
  return agent;
}

Deno.test("ip and os print what the guest agent tells, and say when there is none", async (t) => {
  await using vms = await smallVms();
  const { pim } = vms;
  const socket = await startDemo(vms);

  await t.step("without an agent", async () => {
    const [ip, os, wait] = [
      await pim("ip", "demo", "--timeout", "0.3"),
      await pim("os", "demo", "--timeout", "0.3"),
      await pim("ip", "demo", "--wait", "--timeout", "0.8"),
    ];
    for (const { code, stdout, stderr } of [ip, os]) {
      deepEqual([code, stdout], [1, ""]);
      match(
        stderr,
        /^error: The guest agent of demo cannot be reached: it was asked on \S+demo\.ga and did not answer/,
      );
    }
    deepEqual([wait.code, wait.stdout], [6, ""]);
    match(wait.stderr, /^error: demo told of no address within 0\.8 s\. /m);
    match(wait.stderr, /^hint: The VM stands still \(prelaunch\)\. Let it go on: pim qmp demo cont$/m);
  });

  await removeIfThere(socket);
  await using server = await agentServer(({ execute }) => answers[execute]);
  await Deno.symlink(server.path, socket);

  await t.step("with one", async () => {
    const ip = await pim("ip", "dem");
    equal(
      ip.stdout,
      "INTERFACE  ADDRESS       MAC\n" +
        "ens3       fe80::1/64    52:54:00:00:00:01\n" +
        "ens3       10.0.2.15/24  52:54:00:00:00:01\n" +
        "ens4       none          52:54:00:00:00:02\n",
    );
    match(
      ip.stderr,
      /^note: demo is in a network of its own; from this host it is reached at 127\.0\.0\.1:2\d{3} /,
    );
    const [first, json, os, osJson] = [
      await pim("ip", "demo", "--first", "--wait"),
      await pim("ip", "demo", "--json"),
      await pim("os", "demo"),
      await pim("os", "demo", "--json"),
    ];
    deepEqual(first, { code: 0, stdout: "10.0.2.15\n", stderr: "" });
    equal(json.stderr, "");
    deepEqual(JSON.parse(json.stdout)[1], {
      name: "ens4",
      hardwareAddress: "52:54:00:00:00:02",
      addresses: [],
    });
    match(os.stdout, /^system +Debian GNU\/Linux 12\nversion +12\nmachine +x86_64\nhost name +web\n$/m);
    equal(JSON.parse(osJson.stdout).hostName, "web");
  });

  await t.step("of no VM", async () => {
    const { code, stderr } = await pim("ip", "nobody");
    equal(code, 2);
    match(stderr, /^error: There is no VM "nobody"\nhint: Running: demo\./);
  });
});

interface BytesResult {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** `pim exec` with an input and all bytes of its output. */
async function exec(vms: SmallVms, args: readonly string[], stdin?: Uint8Array): Promise<BytesResult> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL("../../../main.ts", import.meta.url).pathname, "exec", ...args],
    env: { ...vms.env, NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const fed = writer.write(stdin ?? new Uint8Array()).then(() => writer.close()).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  await fed;
  return { code, stdout, stderr: new TextDecoder().decode(stderr) };
}

Deno.test({
  name: "exec passes bytes, exit codes and signals on, and ends what it started",
  ignore: realAgentMissing,
  async fn(t) {
    await using vms = await smallVms();
    const socket = await startDemo(vms);
    await removeIfThere(socket);
    await using _agent = await realAgent({ path: socket });
    const text = ({ stdout }: BytesResult) => new TextDecoder().decode(stdout);

    await t.step("bytes and codes", async () => {
      const everyByte = Uint8Array.from({ length: 100_000 }, (_, index) => index % 256);
      const cat = await exec(vms, ["demo", "--", "cat"], everyByte);
      deepEqual([cat.code, cat.stdout, cat.stderr], [0, everyByte, ""]);
      const both = await exec(vms, ["demo", "--", "sh", "-c", "echo out; echo err >&2; exit 42"]);
      deepEqual([both.code, text(both), both.stderr], [42, "out\n", "err\n"]);
      const killed = await exec(vms, ["demo", "--", "sh", "-c", "kill -KILL $$"]);
      equal(killed.code, 137);
    });

    await t.step("words, variables and what is not there", async () => {
      // Without -- too the flags are the command's.
      const grep = await exec(vms, ["demo", "grep", "-q", "b"], new TextEncoder().encode("abc\n"));
      deepEqual([grep.code, text(grep)], [0, ""]);
      const env = await exec(vms, [
        "--env",
        "A=1",
        "--env",
        "B=x y",
        "demo",
        "--",
        "sh",
        "-c",
        'echo "$A $B ${PATH:+p}"',
      ]);
      deepEqual([env.code, text(env)], [0, "1 x y p\n"]);
      const missing = await exec(vms, ["demo", "no-such-program"]);
      deepEqual(missing.code, 127);
      match(missing.stderr, /^error: There is no program no-such-program in the guest demo$/m);
      deepEqual((await exec(vms, ["demo", "/etc/passwd"])).code, 126);
      deepEqual((await exec(vms, ["demo"])).code, 2);
    });

    await t.step("limits", async () => {
      const late = await exec(vms, ["--timeout", "2", "demo", "--", "sh", "-c", "echo begun; sleep 100"]);
      deepEqual([late.code, text(late)], [6, "begun\n"]);
      match(late.stderr, /^error: sh did not end within 2 s and was ended in the guest$/m);
      const much = await exec(vms, ["demo", "--", "wc", "-c"], new Uint8Array(33 * 1024 * 1024));
      equal(much.code, 2);
      match(much.stderr, /^error: Standard input is longer than 32 MiB$/m);
      const long = await exec(vms, ["demo", "--", "head", "-c", "17000000", "/dev/zero"]);
      deepEqual([long.code, long.stdout.length], [0, 16 * 1024 * 1024]);
      match(long.stderr, /^warning: the guest agent keeps 16 MiB/m);
    });

    await t.step("Ctrl-C", async () => {
      const marker = `${vms.dir}/pid`;
      const run = vms.startPim(["exec", "demo", "--", "sh", "-c", `echo $$ > '${marker}'; sleep 1000`]);
      const pid = await (async () => {
        for (;;) {
          const content = await Deno.readTextFile(marker).catch(() => "");
          if (content.endsWith("\n")) return content.trim();
          await new Promise((done) => setTimeout(done, 10));
        }
      })();
      run.kill("SIGINT");
      const { code, stderr } = await run.result;
      deepEqual([code, stderr], [130, "cancelled\n"]);
      equal(await Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "gone"), "gone");
    });
  },
});
