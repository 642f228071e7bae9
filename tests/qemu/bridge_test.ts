import assert from "node:assert/strict";
import { join } from "node:path";
import { exitCode, HostError, UsageError } from "../../lib/errors.ts";
import { type BridgePlaces, findBridge } from "../../lib/qemu/bridge.ts";
import { startMachine } from "../../lib/qemu/machine.ts";
import { run, which } from "../../lib/process.ts";
import { tempDir } from "../base/temp.ts";
import { linux } from "./sample.ts";

interface Host {
  /** The interfaces, and the files of each in the kernel's folder; a bridge's flags are 0x1003 when it is up. */
  readonly interfaces?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** bridge.conf; HERE stands for its folder. */
  readonly acl?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Mode of qemu-bridge-helper; none at all without it. */
  readonly helper?: number;
  readonly uid?: number;
}

const bridge = { "bridge/bridge_id": "8000\n", flags: "0x1003\n" };
const card = { flags: "0x1003\n" };
const tap = { tun_flags: "0x1002\n", owner: "1000\n", flags: "0x1003\n" };

/** Makes the folders of a Linux host and asks for a bridge there. */
async function find(host: Host, wanted?: string) {
  await using folder = await tempDir(host.files);
  const here = folder.path;
  await Deno.mkdir(join(here, "net"));
  for (const [name, files] of Object.entries(host.interfaces ?? {})) {
    for (const [file, text] of Object.entries(files)) await folder.write(join("net", name, file), text);
  }
  if (host.acl !== undefined) await folder.write("bridge.conf", host.acl.replaceAll("HERE", here));
  const helper = join(here, "qemu-bridge-helper");
  if (host.helper !== undefined) {
    await Deno.writeTextFile(helper, "");
    await Deno.chmod(helper, host.helper);
  }
  const places: BridgePlaces = {
    interfaces: join(here, "net"),
    acl: join(here, "bridge.conf"),
    helpers: [join(here, "nowhere"), helper],
    uid: host.uid ?? 0,
  };
  try {
    return { network: await findBridge({ platform: "linux", wanted, places }), here, error: undefined };
  } catch (error) {
    assert(error instanceof HostError || error instanceof UsageError, String(error));
    const said = (text: string) => text.replaceAll(here, "HERE");
    return { network: undefined, here, error, message: said(error.message), hint: said(error.hint ?? "") };
  }
}

const ready: Host = { interfaces: { br0: bridge, eth0: card }, acl: "allow br0\n", helper: 0o755 };

Deno.test("a Mac bridges with vmnet, on en0 unless another interface is named", async () => {
  assert.deepEqual(await findBridge({ platform: "darwin" }), { kind: "vmnet", interface: "en0" });
  assert.deepEqual(await findBridge({ platform: "darwin", wanted: "en7" }), {
    kind: "vmnet",
    interface: "en7",
  });
});

Deno.test("what cannot be the name of an interface never becomes a path", async () => {
  for (const wanted of ["", ".", "..", "../net", "a/b", "a b", "br0:1", "a\n", "x".repeat(16)]) {
    const { error } = await find(ready, wanted);
    assert(error instanceof UsageError, wanted);
    await assert.rejects(findBridge({ platform: "darwin", wanted }), UsageError);
  }
});

Deno.test("the bridge of that name is taken, with the helper that is there", async () => {
  const { network, here } = await find(ready, "br0");
  assert.deepEqual(network, { kind: "bridge", bridge: "br0", helper: join(here, "qemu-bridge-helper") });
});

async function chosen(interfaces: string[], acl?: string): Promise<string | undefined> {
  const all = Object.fromEntries(interfaces.map((name) => [name, bridge]));
  const { network, message } = await find({ ...ready, interfaces: { ...all, eth0: card }, acl });
  return network?.kind === "bridge" ? network.bridge : message;
}

Deno.test("without a name the first bridge is taken that is allowed and exists, else the only one", async () => {
  assert.equal(await chosen(["br0", "br1", "br2"], "# a list\n\nallow br7\nallow br2\nallow br1\n"), "br2");
  assert.equal(await chosen(["br1", "br0"], "allow all\n"), "br0");
  assert.equal(await chosen(["br1", "br0"], "allow all\ndeny br0\n"), "br1");
  assert.equal(
    await chosen(["br1"], "allow br9\n"),
    "A VM cannot join the bridge br1: HERE/bridge.conf does not allow it",
  );
});

Deno.test("bridges of container engines are taken only by name", async () => {
  const theirs = ["docker0", "br-0123456789ab", "podman1", "cni0"];
  assert.equal(await chosen([...theirs, "virbr0"], "allow all\n"), "virbr0");
  assert.equal(await chosen(theirs, "allow all\n"), "There is no bridge that a VM could join");
  assert.equal(await chosen(theirs, "allow podman1\n"), "podman1");
});

Deno.test("which of several bridges is meant has to be said when none is allowed", async () => {
  const interfaces = { br0: bridge, virbr0: bridge };
  const { error, message, hint } = await find({ interfaces, helper: 0o755 });
  assert(error instanceof UsageError);
  assert.equal(message, "Which bridge is meant is not clear: there are br0, virbr0");
  assert.equal(hint, "Name one, as in --bridged=br0, or allow one in HERE/bridge.conf.");
});

Deno.test("everything that stands in the way is told at once, each with its command", async () => {
  const host: Host = { interfaces: { br0: { ...bridge, flags: "0x1002\n" } }, helper: 0o755, uid: 1000 };
  const { error, message, hint } = await find(host, "br0");
  assert.equal(error?.exitCode, exitCode.host);
  assert.equal(
    message,
    "A VM cannot join the bridge br0: it is down; HERE/bridge.conf does not allow it; " +
      "HERE/qemu-bridge-helper is not setuid root",
  );
  assert.equal(
    hint,
    [
      "Type:",
      "  sudo ip link set br0 up",
      "  echo 'allow br0' | sudo tee -a HERE/bridge.conf",
      "  sudo chmod u+s HERE/qemu-bridge-helper",
    ].join("\n"),
  );
});

Deno.test("root needs no setuid helper, and a missing one is told with what to do instead", async () => {
  assert.notEqual((await find({ ...ready, uid: 0 })).network, undefined);
  const { message, hint } = await find({ ...ready, helper: undefined });
  assert.equal(message, "qemu-bridge-helper, which comes with QEMU, is not on this host");
  assert.match(
    hint ?? "",
    /^It was looked for as HERE\/nowhere, HERE\/qemu-bridge-helper\. A tap device needs/,
  );
});

// Only root can make a file setuid root, or give it a capability.
const asRoot = Deno.uid() === 0;

Deno.test({ name: "a setuid helper serves every user", ignore: !asRoot }, async () => {
  assert.notEqual((await find({ ...ready, helper: 0o4755, uid: 1000 })).network, undefined);
});

const noSetcap = !asRoot || await which("setcap") === undefined || await which("getcap") === undefined;

Deno.test({ name: "a helper with CAP_NET_ADMIN serves every user", ignore: noSetcap }, async () => {
  await using folder = await tempDir({ "net/br0/bridge/id": "", "bridge.conf": "allow br0\n", "helper": "" });
  const places: BridgePlaces = {
    interfaces: join(folder.path, "net"),
    acl: join(folder.path, "bridge.conf"),
    helpers: [join(folder.path, "helper")],
    uid: 1000,
  };
  await assert.rejects(findBridge({ platform: "linux", places }), /is not setuid root/);
  await run(["setcap", "cap_net_admin+ep", places.helpers[0] ?? ""]);
  assert.equal((await findBridge({ platform: "linux", places })).kind, "bridge");
});

async function acl(text: string, files: Record<string, string> = {}): Promise<string> {
  const { network, message, hint } = await find({ ...ready, acl: text, files }, "br0");
  return network ? "allowed" : `${message?.replace("A VM cannot join the bridge br0: ", "")} | ${hint}`;
}

Deno.test("bridge.conf is read as QEMU's helper reads it", async () => {
  assert.equal(await acl("allow all\n"), "allowed");
  assert.equal(await acl("\tallow\t br0  \n"), "allowed");
  assert.equal(await acl("include HERE/more\n", { more: "allow br0\n" }), "allowed");
  assert.equal(await acl("allow br0\ninclude HERE/nothing\n"), "allowed");
  assert.equal(await acl("allow br0\ninclude HERE/more\n", { more: "include HERE/more\n" }), "allowed");
  // A mistake ends an included file and spoils the main one.
  assert.equal(await acl("include HERE/more\n", { more: "allow br0\nperhaps br1\ndeny br0\n" }), "allowed");
  assert.equal(
    await acl("allow br0\nperhaps br1\n"),
    "HERE/bridge.conf is broken in line 2 | Type:\n  sudoedit HERE/bridge.conf",
  );
  assert.match(await acl("allow\n"), /broken in line 1/);
  // The helper knows no comments behind a rule.
  assert.match(await acl("allow br0 # ours\n"), /does not allow it/);
});

Deno.test("a deny wins over every allow, wherever it stands, and is named with its file", async () => {
  assert.equal(
    await acl("deny br0\nallow br0\n"),
    'HERE/bridge.conf has the line "deny br0" | Type:\n  sudoedit HERE/bridge.conf  # remove: deny br0',
  );
  assert.equal(
    await acl("allow br0\ninclude HERE/more\n", { more: "deny all\n" }),
    'HERE/more has the line "deny all" | Type:\n  sudoedit HERE/more  # remove: deny all',
  );
});

Deno.test("a bridge that is not there is told with those that are, and how to make one", async () => {
  const { error, message, hint } = await find({ ...ready, interfaces: { br0: bridge, br1: bridge } }, "br5");
  assert(error instanceof HostError);
  assert.equal(message, "There is no network interface br5");
  assert.match(hint ?? "", /^The bridges are: br0, br1\. Make one .*: sudo ip link add br0 type bridge && /);
  const none = await find({ interfaces: { eth0: card } });
  assert.equal(none.message, "There is no bridge that a VM could join");
  assert.match(none.hint ?? "", /^This host has no bridge\. Make one/);
  assert.equal((await find(ready, "eth0")).message, "eth0 is neither a bridge nor a tap device");
});

Deno.test("a network card that is part of a bridge leads to that bridge", async () => {
  await using folder = await tempDir({ "net/br0/bridge/id": "", "net/eth0/brport/state": "" });
  const net = join(folder.path, "net");
  await Deno.symlink("../../br0", join(net, "eth0", "brport", "bridge"));
  const places = { interfaces: net, acl: "/nowhere", helpers: [], uid: 0 };
  await assert.rejects(findBridge({ platform: "linux", wanted: "eth0", places }), {
    message: "eth0 is no bridge, but part of br0",
    hint: "Type: --bridged=br0",
  });
});

Deno.test("a tap device is used as it is when it is ours and up", async () => {
  const interfaces = {
    tap0: tap,
    tap1: { ...tap, owner: "-1\n" },
    tap2: { ...tap, owner: "7\n", flags: "0x1002\n" },
    tun0: { ...tap, tun_flags: "0x1001\n" },
  };
  const at = (wanted: string, uid = 1000) => find({ interfaces, uid }, wanted);
  assert.deepEqual((await at("tap0")).network, { kind: "tap", interface: "tap0" });
  assert.deepEqual((await at("tap1")).network, { kind: "tap", interface: "tap1" });
  assert.equal(
    (await at("tap2")).message,
    "A VM cannot use the tap device tap2: it belongs to user 7; it is down",
  );
  assert.equal((await at("tap2", 0)).message, "A VM cannot use the tap device tap2: it is down");
  assert.match((await at("tun0")).message ?? "", /^tun0 is a tun device/);
});

/** Makes an interface for a test, if this host lets us. */
async function makeInterface(...words: string[]): Promise<boolean> {
  if (!asRoot || await which("ip") === undefined) return false;
  return await run(["ip", ...words]).then(() => true, () => false);
}

const realTap = `pimtap${Deno.pid % 100_000}`;
const realBridge = `pimbr${Deno.pid % 100_000}`;
const canMake = await makeInterface("link", "add", realBridge, "type", "bridge") &&
  await makeInterface("tuntap", "add", "dev", realTap, "mode", "tap");
for (const name of [realTap, realBridge]) await makeInterface("link", "del", name);
const qemu = await which("qemu-system-x86_64");

Deno.test({
  name: "real bridges and tap devices are told apart, and QEMU takes the tap",
  ignore: !canMake || !qemu,
}, async () => {
  await using folder = await tempDir({ "bridge.conf": `allow ${realBridge}\n`, helper: "" });
  const at = (name: string) => join(folder.path, name);
  const places = { interfaces: "/sys/class/net", acl: at("bridge.conf"), helpers: [at("helper")], uid: 0 };
  await using made = new AsyncDisposableStack();
  const ip = (...words: string[]) => run(["ip", ...words]);
  await ip("link", "add", realBridge, "type", "bridge");
  made.defer(async () => void await ip("link", "del", realBridge));
  await ip("tuntap", "add", "dev", realTap, "mode", "tap");
  made.defer(async () => void await ip("link", "del", realTap));
  await ip("link", "set", realTap, "master", realBridge, "up");
  const down = findBridge({ platform: "linux", wanted: realBridge, places });
  await assert.rejects(down, { message: `A VM cannot join the bridge ${realBridge}: it is down` });
  await ip("link", "set", realBridge, "up");
  const network = await findBridge({ platform: "linux", wanted: realBridge, places });
  assert.deepEqual(network, { kind: "bridge", bridge: realBridge, helper: at("helper") });
  await using machine = await startMachine({ ...linux, qemu: qemu ?? "" }, {
    name: "test",
    memoryMiB: 64,
    cpus: 1,
    disks: [],
    network: await findBridge({ platform: "linux", wanted: realTap, places }),
    serial: { socket: at("serial"), log: at("serial.log") },
    qmpSocket: at("qmp"),
    extraArgs: ["-S"],
  });
  const info = await machine.qmp.execute("human-monitor-command", { "command-line": "info network" });
  assert.match(String(info), new RegExp(`type=tap,ifname=${realTap},script=no,downscript=no`));
});
