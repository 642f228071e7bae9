import { messageOf, PimError } from "../../errors.ts";
import { log } from "../../log.ts";
import type { Instance } from "../../verify/instance.ts";
import { DeployError } from "../deploy_error.ts";
import type { Deployed, Ids, InstanceContext } from "../target.ts";
import { domainXml } from "./domain_xml.ts";
import { defineDomain, domainType, findDomain, undefineDomain } from "./domains.ts";
import { domainAgent } from "./guest_agent.ts";
import { type LibvirtSettings, networkOf } from "./settings.ts";
import { Virsh } from "./virsh.ts";
import { deleteVolume, findVolume, isUnchanged, refreshPool } from "./volumes.ts";

// Some virsh commands, each over a connection of its own: over SSH that is seconds for each.
const undoMs = 120_000;

/** Starts a domain from a throw-away overlay of a deployed volume, beside the one that was deployed. */
export async function startInstance(
  virsh: Virsh,
  settings: LibvirtSettings,
  deployed: Deployed,
  context: InstanceContext,
): Promise<Instance> {
  await requireUnchanged(virsh, deployed, context.ids);
  const name = `pim-verify-${deployed.entry.name.slice(0, 40)}-${crypto.randomUUID().slice(0, 8)}`;
  await context.made({ instance: name });
  const remove = async () => {
    // What is cancelled is cleared away all the same.
    const other = new Virsh(virsh.uri, { ...virsh.tools, signal: AbortSignal.timeout(undoMs) });
    await removeInstance(other, { ...context.ids, instance: name });
    await context.made({ instance: "" });
  };
  try {
    await define(virsh, settings, deployed, { ...context, name });
    await virsh.ask("start", "--domain", name);
  } catch (error) {
    await remove().catch((left) => {
      log.warn(`The domain ${name} of ${virsh.uri} could not be removed: ${messageOf(left)}`);
    });
    throw error;
  }
  return {
    ...{ name, startedMs: performance.now(), agent: domainAgent(virsh, name) },
    isRunning: async () => (await virsh.askIfThere("domstate", "--domain", name))?.trim() === "running",
    [Symbol.asyncDispose]: remove,
  };
}

/** An instance has to be of the image, not of what a domain has made of it. */
async function requireUnchanged(virsh: Virsh, { entry, sha256 }: Deployed, ids: Ids): Promise<void> {
  const { pool = "", volume = "", domain } = ids;
  await refreshPool(virsh, pool);
  const found = await findVolume(virsh, { pool, volume });
  const fail = (why: string, hint: string) => {
    throw new DeployError(`Cannot verify ${entry.name} at ${virsh.uri}: ${why}`, { hint });
  };
  if (found === undefined) return fail(`the volume ${pool}/${volume} is gone`, "Deploy it again.");
  if (domain !== undefined && (await findDomain(virsh, domain))?.running) {
    fail(
      `its domain ${domain} runs, and writes to its volume`,
      "Shut it down and deploy it again with --force, or do without: --no-verify",
    );
  }
  if (await isUnchanged(virsh, { pool, volume }, ids, sha256)) return;
  fail(
    `the volume ${pool}/${volume} is no more the image: a domain has run from it`,
    "Deploy it again with --force, or do without: --no-verify",
  );
}

async function define(
  virsh: Virsh,
  settings: LibvirtSettings,
  { entry, sha256 }: Deployed,
  { name, ids, workDir }: Pick<InstanceContext, "ids" | "workDir"> & { readonly name: string },
): Promise<void> {
  const { memory, cpus, domain_type } = settings;
  const { pool = "", volume = "", varsVolume } = ids;
  await virsh.ask(
    ...["vol-create-as", "--pool", pool, "--name", `${name}.qcow2`, "--capacity", `${entry.virtualBytes}B`],
    ...["--format", "qcow2", "--backing-vol", volume, "--backing-vol-format", "qcow2"],
  );
  const overlay = await pathOf(virsh, pool, `${name}.qcow2`);
  const vars = `${name}-efi-vars.fd`;
  if (varsVolume !== undefined) {
    await virsh.ask("vol-clone", "--pool", pool, "--vol", varsVolume, "--newname", vars);
  }
  const xml = domainXml({
    ...{ name, cpus, memoryMiB: memory, network: networkOf(settings), diskPath: overlay },
    type: await domainType(virsh, entry.architecture, domain_type),
    ...{ architecture: entry.architecture, firmware: entry.firmware },
    ...(varsVolume !== undefined && { nvramPath: await pathOf(virsh, pool, vars) }),
    image: { name: entry.name, sha256, created: entry.created },
  });
  await defineDomain(virsh, name, xml, workDir);
}

async function pathOf(virsh: Virsh, pool: string, volume: string): Promise<string> {
  const found = await findVolume(virsh, { pool, volume });
  if (found !== undefined) return found.path;
  throw new DeployError(`The volume ${pool}/${volume} has gone as soon as it was there`);
}

/** Removes the instance that was written down, with its volumes; nothing happens when there is none. */
export async function removeInstance(virsh: Virsh, { pool, instance, sha256 }: Ids): Promise<void> {
  if (pool === undefined || instance === undefined) return;
  const found = await findDomain(virsh, instance);
  if (found !== undefined && found.mark?.sha256 !== sha256) {
    throw new PimError(`The domain ${instance} is not the one that pim has made`);
  }
  if (found?.running) await virsh.ask("destroy", "--domain", instance);
  if (found !== undefined) await undefineDomain(virsh, instance);
  await refreshPool(virsh, pool);
  for (const volume of [`${instance}.qcow2`, `${instance}-efi-vars.fd`]) {
    await deleteVolume(virsh, { pool, volume });
  }
}
