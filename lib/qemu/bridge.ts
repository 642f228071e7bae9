import { basename, join } from "node:path";
import { HostError, messageOf, UsageError } from "../errors.ts";
import { exists, readTextIfThere } from "../files.ts";
import { aclObstacle, type BridgeAcl, isAllowed, type Obstacle, readBridgeAcl } from "./bridge_acl.ts";
import { findBridgeHelper, helperObstacle } from "./bridge_helper.ts";
import type { NetworkSpec } from "./machine_spec.ts";

/** Where a Linux host keeps what has to do with bridges. */
export interface BridgePlaces {
  /** The kernel's folder with one entry for each network interface. */
  readonly interfaces: string;
  /** The list of bridges that VMs may join. */
  readonly acl: string;
  /** Where qemu-bridge-helper may be, the best first. */
  readonly helpers: readonly string[];
  /** The user that QEMU will run as. */
  readonly uid: number | null;
}

/** What {@linkcode findBridge} has to know. */
export interface BridgeQuestion {
  readonly platform: "linux" | "darwin";
  /** The interface that was asked for by name. */
  readonly wanted?: string;
  /** Those of a real host unless told otherwise. */
  readonly places?: BridgePlaces;
}

/** This host has no bridge that could have been chosen. */
export class NoBridgeError extends HostError {}

const hostPlaces = (): BridgePlaces => ({
  interfaces: "/sys/class/net",
  acl: "/etc/qemu/bridge.conf",
  helpers: [
    "/run/wrappers/bin/qemu-bridge-helper", // NixOS
    "/usr/lib/qemu/qemu-bridge-helper", // Debian, Ubuntu, Arch, Alpine
    "/usr/libexec/qemu-bridge-helper", // Fedora, openSUSE, Gentoo
    "/usr/libexec/qemu/qemu-bridge-helper",
    "/usr/lib/qemu-bridge-helper",
  ],
  uid: Deno.uid(),
});

/**
 * The network that puts a VM beside its host: on a Mac vmnet on an interface (en0), on Linux a bridge or a tap device.
 * Throws a HostError that says what the host lacks, with the commands that give it.
 */
export async function findBridge(question: BridgeQuestion): Promise<NetworkSpec> {
  const { platform, wanted, places = hostPlaces() } = question;
  if (wanted !== undefined) checkInterfaceName(wanted);
  if (platform === "darwin") return { kind: "vmnet", interface: wanted ?? "en0" };
  const acl = await readBridgeAcl(places.acl);
  if (wanted === undefined) return await onBridge(places, acl, await chooseBridge(places, acl));
  const folder = join(places.interfaces, wanted);
  if (await exists(join(folder, "bridge"))) return await onBridge(places, acl, wanted);
  if (await exists(join(folder, "tun_flags"))) return await onTap(places, wanted);
  throw await noBridge(places, wanted);
}

/** Linux: at most 15 bytes, without blanks, slashes and colons; a Mac's names are shorter. */
function checkInterfaceName(name: string): void {
  if (/^[^\s/:\0]+$/.test(name) && !/^\.\.?$/.test(name) && new TextEncoder().encode(name).length <= 15) {
    return;
  }
  throw new UsageError(`${JSON.stringify(name)} cannot be the name of a network interface`);
}

// Container engines make bridges of their own, on which nobody gives a VM an address.
const ofContainers = /^(docker\d+|br-[0-9a-f]{12}|podman\d+|cni-?\w*\d+)$/;

async function chooseBridge(places: BridgePlaces, acl: BridgeAcl): Promise<string> {
  const bridges = await bridgesOf(places);
  const named = acl.rules.map(({ bridge }) => bridge).filter((bridge) => bridges.includes(bridge));
  const likely = bridges.filter((bridge) => !ofContainers.test(bridge));
  const chosen = [...named, ...likely].find((bridge) => isAllowed(acl, bridge)) ??
    (likely.length === 1 ? likely[0] : undefined);
  if (chosen !== undefined) return chosen;
  if (likely.length === 0) throw await noBridge(places);
  throw new UsageError(`Which bridge is meant is not clear: there are ${likely.join(", ")}`, {
    hint: `Name one, as in --bridged=${likely[0]}, or allow one in ${places.acl}.`,
  });
}

async function bridgesOf(places: BridgePlaces): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(places.interfaces)) {
      if (await exists(join(places.interfaces, name, "bridge"))) found.push(name);
    }
  } catch (cause) {
    throw new HostError(`Cannot look at the network interfaces of this host: ${messageOf(cause)}`, { cause });
  }
  return found.sort();
}

async function onBridge(places: BridgePlaces, acl: BridgeAcl, bridge: string): Promise<NetworkSpec> {
  const helper = await findBridgeHelper(places.helpers);
  checkObstacles(`join the bridge ${bridge}`, [
    await downObstacle(places, bridge),
    await aclObstacle(acl, bridge),
    await helperObstacle(helper, places.uid),
  ]);
  return { kind: "bridge", bridge, helper };
}

async function onTap(places: BridgePlaces, name: string): Promise<NetworkSpec> {
  const read = async (file: string) => Number(await readTextIfThere(join(places.interfaces, name, file)));
  // if_tun.h: IFF_TUN is 1, IFF_TAP is 2.
  if ((await read("tun_flags") & 2) === 0) {
    throw new HostError(`${name} is a tun device: it carries no Ethernet, which a VM needs`, {
      hint: "Make a tap device: sudo ip tuntap add dev tap0 mode tap user $USER",
    });
  }
  const owner = await read("owner");
  const foreign = places.uid !== 0 && owner >= 0 && owner !== places.uid;
  checkObstacles(`use the tap device ${name}`, [
    foreign
      ? {
        problem: `it belongs to user ${owner}`,
        remedy:
          `sudo ip tuntap del dev ${name} mode tap && sudo ip tuntap add dev ${name} mode tap user $USER`,
      }
      : undefined,
    await downObstacle(places, name),
  ]);
  return { kind: "tap", interface: name };
}

function checkObstacles(what: string, all: readonly (Obstacle | undefined)[]): void {
  const obstacles = all.filter((each) => each !== undefined);
  if (obstacles.length === 0) return;
  // All at once: each needs a command, and nobody likes to be sent away three times.
  throw new HostError(`A VM cannot ${what}: ${obstacles.map(({ problem }) => problem).join("; ")}`, {
    hint: ["Type:", ...obstacles.map(({ remedy }) => `  ${remedy}`)].join("\n"),
  });
}

/** A guest on an interface that is down would wait for its network for ever. IFF_UP is 1. */
async function downObstacle(places: BridgePlaces, name: string): Promise<Obstacle | undefined> {
  const flags = Number(await readTextIfThere(join(places.interfaces, name, "flags")) ?? 1);
  return (flags & 1) === 1 ? undefined : { problem: "it is down", remedy: `sudo ip link set ${name} up` };
}

async function noBridge(places: BridgePlaces, wanted?: string): Promise<HostError> {
  const bridges = await bridgesOf(places);
  const there = bridges.length === 0 ? "This host has no bridge." : `The bridges are: ${bridges.join(", ")}.`;
  const hint = `${there} Make one with this system's network settings, your network card in it; ` +
    "one that leads nowhere is: sudo ip link add br0 type bridge && sudo ip link set br0 up";
  if (wanted === undefined) return new NoBridgeError("There is no bridge that a VM could join", { hint });
  if (!await exists(join(places.interfaces, wanted))) {
    return new HostError(`There is no network interface ${wanted}`, { hint });
  }
  // A network card that is part of a bridge: then the bridge is what is meant.
  const bridge = await Deno.readLink(join(places.interfaces, wanted, "brport", "bridge")).catch(() =>
    undefined
  );
  if (bridge !== undefined) {
    const name = basename(bridge);
    return new HostError(`${wanted} is no bridge, but part of ${name}`, { hint: `Type: --bridged=${name}` });
  }
  return new HostError(`${wanted} is neither a bridge nor a tap device`, { hint });
}
