import { join } from "node:path";
import type { Architecture } from "../../architecture.ts";
import { which } from "../../process.ts";
import { runTestGuest } from "../../qemu/test_guest.ts";
import { DeployError } from "../deploy_error.ts";
import { markNamespace, unescapeXml } from "./domain_xml.ts";
import { type Virsh, virshLine } from "./virsh.ts";

/** A domain that libvirt has. */
export interface FoundDomain {
  /** Whether it is anything but off. */
  readonly running: boolean;
  /** The image that pim made it from. */
  readonly mark?: { readonly image: string; readonly sha256: string };
}

/** The domain with this name, or undefined. */
export async function findDomain(virsh: Virsh, name: string): Promise<FoundDomain | undefined> {
  const state = await virsh.askIfThere("domstate", "--domain", name);
  if (state === undefined) return undefined;
  const running = state.trim() !== "shut off";
  const text = await virsh.askIfThere("metadata", "--domain", name, "--uri", markNamespace);
  const image = /\sname=(["'])(.*?)\1/.exec(text ?? "")?.[2];
  const sha256 = /\ssha256=["']([0-9a-f]{64})["']/.exec(text ?? "")?.[1];
  if (image === undefined || sha256 === undefined) return { running };
  return { running, mark: { image: unescapeXml(image), sha256 } };
}

/** Defines a domain by its XML and returns its UUID. */
export async function defineDomain(
  virsh: Virsh,
  name: string,
  xml: string,
  workDir: string,
): Promise<string> {
  const file = join(workDir, "domain.xml");
  await Deno.writeTextFile(file, xml, { mode: 0o600 });
  await virsh.ask("define", "--file", file, "--validate");
  return (await virsh.ask("domuuid", "--domain", name)).trim();
}

/** Takes a domain that is off out of libvirt, with its UEFI variables; its disk stays. */
export async function undefineDomain(virsh: Virsh, name: string): Promise<void> {
  await virsh.ask("undefine", "--domain", name, "--managed-save", "--snapshots-metadata", "--nvram");
}

/** Throws a DeployError when a domain runs, since its disk is in use. */
export function refuseRunning(virsh: Virsh, name: string, found: FoundDomain | undefined): void {
  if (!found?.running) return;
  throw new DeployError(`The domain ${name} runs, and its disk cannot be taken from it`, {
    hint: `Shut it down first: ${virshLine(virsh.uri, "shutdown", name)}`,
  });
}

const machines: Record<Architecture, readonly string[]> = {
  amd64: ["--arch", "x86_64", "--machine", "q35"],
  arm64: ["--arch", "aarch64", "--machine", "virt"],
};

/**
 * What runs guests of an architecture there: "kvm" where libvirt has it and, if that is this host, a guest is seen to run
 * with it. Throws where it can run none.
 */
export async function domainType(
  virsh: Virsh,
  architecture: Architecture,
  wanted: "auto" | "kvm" | "qemu",
): Promise<"kvm" | "qemu"> {
  for (const type of wanted === "auto" ? ["kvm", "qemu"] as const : [wanted]) {
    try {
      await virsh.ask("domcapabilities", "--virttype", type, ...machines[architecture]);
      if (wanted !== "auto" || type === "qemu" || await kvmRuns(virsh, architecture)) return type;
    } catch (error) {
      if (
        !(error instanceof DeployError) ||
        !/invalid|unsupported|not (available|supported)|KVM/i.test(error.message)
      ) {
        throw error;
      }
    }
  }
  throw new DeployError(`${virsh.uri} cannot run guests of the type ${wanted} for ${architecture}`, {
    hint: wanted === "kvm"
      ? "Set `domain_type: auto` in targets.d, or switch KVM on over there."
      : "Install QEMU for that architecture over there.",
  });
}

/** Tries KVM where that is possible, which is on this host: a device that is there proves nothing. */
async function kvmRuns({ uri, tools: { signal } }: Virsh, architecture: Architecture): Promise<boolean> {
  if (!/^qemu(\+unix)?:\/\/\//.test(uri)) return true;
  const qemu = await which(architecture === "amd64" ? "qemu-system-x86_64" : "qemu-system-aarch64");
  if (qemu === undefined) return true;
  return (await runTestGuest({ qemu, architecture, accelerator: "kvm", deadlineMs: 1500, signal })).ran;
}
