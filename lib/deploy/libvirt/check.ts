import { messageOf, PimError } from "../../errors.ts";
import { hostArchitecture } from "../../architecture.ts";
import type { TargetCheck } from "../target.ts";
import { domainType } from "./domains.ts";
import { isActiveNetwork, libvirtNetwork } from "./network.ts";
import type { LibvirtSettings } from "./settings.ts";
import { type Virsh, virshLine } from "./virsh.ts";
import { findPool } from "./volumes.ts";

/** Looks whether libvirt answers and has what the settings name. */
export async function checkLibvirt(virsh: Virsh, settings: LibvirtSettings): Promise<readonly TargetCheck[]> {
  const { pool, define, domain_type: wanted } = settings;
  const connection = await look(virsh, "connection", async () => {
    const version = await virsh.ask("version");
    return /^Running hypervisor: (.*)$/m.exec(version)?.[1] ?? "it answers";
  });
  if (!connection.ok) return [connection];
  const checks = [
    connection,
    await look(virsh, "pool", async () => {
      const { default: prettyBytes } = await import("pretty-bytes");
      return `${pool} is active, ${
        prettyBytes((await findPool(virsh, pool)).freeBytes, { binary: true })
      } are free`;
    }),
  ];
  if (define === "none") return checks;
  const network = libvirtNetwork(settings);
  if (network !== undefined) {
    checks.push(
      await look(virsh, "network", async () => {
        if (await isActiveNetwork(virsh, network)) return `${network} is active`;
        throw new PimError(`${network} is not active`, {
          hint: `Start it: ${virshLine(virsh.uri, "net-start", network)}`,
        });
      }),
    );
  }
  checks.push(
    await look(virsh, "domains", async () => {
      return `guests run with ${await domainType(virsh, hostArchitecture(), wanted)}`;
    }),
  );
  return checks;
}

async function look(virsh: Virsh, name: string, work: () => Promise<string>): Promise<TargetCheck> {
  try {
    return { name, ok: true, detail: await work() };
  } catch (error) {
    if (!(error instanceof PimError) || virsh.tools.signal.aborted) throw error;
    return { name, ok: false, detail: messageOf(error), hint: error.hint };
  }
}
