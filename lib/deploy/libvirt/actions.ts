import { hashFile } from "../../hash.ts";
import { requireUnchanged } from "../convert.ts";
import { DeployError } from "../deploy_error.ts";
import type { Action, ActionContext, DeployImage } from "../target.ts";
import { domainXml } from "./domain_xml.ts";
import { defineDomain, findDomain, undefineDomain } from "./domains.ts";
import { type LibvirtSettings, networkOf } from "./settings.ts";
import { isUnfinished, uploadVolume } from "./upload.ts";
import type { Virsh } from "./virsh.ts";
import { deleteVolume, findVolume, refreshPool } from "./volumes.ts";

/** What one deployment is about. */
export interface LibvirtJob {
  readonly image: DeployImage;
  readonly name: string;
  readonly volume: string;
  /** What is to run the domain, if there is to be one. */
  readonly type: "kvm" | "qemu" | undefined;
  /** What stands under the volume's name: the image as it is, part of it, it after a change, or something else. */
  readonly found: "none" | "whole" | "unfinished" | "changed" | "other";
}

/** All that makes a volume, and a domain, of an image, in its order. */
export function libvirtActions(virsh: Virsh, settings: LibvirtSettings, job: LibvirtJob): readonly Action[] {
  const { image, name } = job;
  const domain = job.type === undefined ? [] : [
    ...(image.efiVars === undefined ? [] : [uploadVars(virsh, settings, job, image.efiVars)]),
    define(virsh, settings, job, job.type),
    ...(settings.start
      ? [{
        phase: "start" as const,
        text: `start the domain ${name}`,
        run: async () => void await virsh.ask("start", "--domain", name),
      }]
      : []),
  ];
  return [...uploadImage(virsh, settings, job), ...domain];
}

function uploadImage(virsh: Virsh, settings: LibvirtSettings, job: LibvirtJob): Action[] {
  const { pool } = settings;
  const { image, volume, name } = job;
  const at = { pool, volume };
  const text = `upload the image to the volume ${pool}/${volume}`;
  return [{
    phase: "upload",
    text: job.found === "whole" ? `take the volume ${pool}/${volume}, which is the image` : text,
    async run(context) {
      if (job.found === "changed" || job.found === "other") {
        if (job.type !== undefined) await removeDomain(virsh, settings, name);
        await deleteVolume(virsh, at);
      }
      if (job.found !== "whole") {
        const sent = Number(job.found === "unfinished" ? context.ids.sent ?? 0 : 0);
        await uploadVolume(
          virsh,
          {
            ...{ ...at, source: image.path, sha256: image.sha256, sent },
            checkSource: () => requireUnchanged(image, context.signal),
          },
          context,
          (sent) => context.made({ ...at, sent: String(sent), sha256: image.sha256 }),
        );
      }
      const found = await findVolume(virsh, at);
      if (found === undefined) {
        throw new DeployError(`The volume ${pool}/${volume} has gone as soon as it was there`);
      }
      const { path, bytes, modified } = found;
      await context.made({ ...at, sha256: image.sha256, path, bytes: String(bytes), modified });
    },
  }];
}

/** Takes away a domain that is off, and that the plan found to be ours or was told to replace. */
async function removeDomain(virsh: Virsh, { pool }: LibvirtSettings, name: string): Promise<void> {
  if (await findDomain(virsh, name) === undefined) return;
  await undefineDomain(virsh, name);
  // Its UEFI variables have gone with it.
  await refreshPool(virsh, pool);
}

function uploadVars(virsh: Virsh, settings: LibvirtSettings, { name }: LibvirtJob, vars: string): Action {
  const { pool } = settings;
  const volume = `${name}-efi-vars.fd`;
  const at = { pool, volume };
  return {
    phase: "upload",
    text: `upload its UEFI variables to the volume ${pool}/${volume}`,
    async run(context: ActionContext) {
      const sha256 = await hashFile(vars, "sha256", { signal: context.signal });
      const ours = context.ids.varsVolume === volume;
      if (await findVolume(virsh, at) !== undefined && !ours && !(await isUnfinished(virsh, at, sha256))) {
        throw new DeployError(
          `Cannot deploy to ${virsh.uri}: the volume ${pool}/${volume} is there already`,
          {
            hint: "Remove it, or set another `name` in targets.d.",
          },
        );
      }
      await removeDomain(virsh, settings, name);
      await deleteVolume(virsh, at);
      await uploadVolume(
        virsh,
        { ...at, source: vars, sha256, sent: 0 },
        context,
        () => context.made({ varsVolume: volume }),
      );
      await context.made({ varsPath: (await findVolume(virsh, at))?.path ?? "" });
    },
  };
}

function define(virsh: Virsh, settings: LibvirtSettings, job: LibvirtJob, type: "kvm" | "qemu"): Action {
  const { memory, cpus } = settings;
  const { image, name } = job;
  const { entry } = image;
  const network = networkOf(settings);
  return {
    phase: "register",
    text: `define the domain ${name} (${type}, ${cpus} CPUs, ${memory} MiB, network ${network})`,
    async run({ ids, workDir, made }) {
      const xml = domainXml({
        ...{ name, type, cpus, network, memoryMiB: memory },
        architecture: entry.architecture,
        firmware: entry.firmware,
        diskPath: ids.path ?? "",
        ...(image.efiVars !== undefined && ids.varsPath !== undefined && { nvramPath: ids.varsPath }),
        image: { name: entry.name, sha256: image.sha256, created: entry.created },
      });
      await removeDomain(virsh, settings, name);
      await made({ domain: name });
      await made({ uuid: await defineDomain(virsh, name, xml, workDir) });
    },
  };
}
