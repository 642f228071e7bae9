import type { ImageEntry } from "../../image/entry.ts";
import type { Instance } from "../../verify/instance.ts";
import { DeployError } from "../deploy_error.ts";
import { fillName } from "../name_template.ts";
import type {
  Deployed,
  DeployImage,
  DeployPlan,
  HostTools,
  Ids,
  InstanceContext,
  Place,
  Presence,
  Target,
  TargetCheck,
  TargetType,
} from "../target.ts";
import { libvirtActions, type LibvirtJob } from "./actions.ts";
import { checkLibvirt } from "./check.ts";
import { domainType, findDomain, type FoundDomain, refuseRunning, undefineDomain } from "./domains.ts";
import { removeInstance, startInstance } from "./instance.ts";
import { isActiveNetwork, libvirtNetwork } from "./network.ts";
import { libvirtSchema, type LibvirtSettings } from "./settings.ts";
import { isUnfinished } from "./upload.ts";
import { Virsh } from "./virsh.ts";
import { deleteVolume, findPool, findVolume, isUnchanged, refreshPool, volumeSha256 } from "./volumes.ts";

/** Volumes and domains of a libvirt, here or elsewhere. */
export const libvirt: TargetType<LibvirtSettings> = {
  type: "libvirt",
  brief: "a volume and a domain of libvirt, here or on another host",
  verifies: true,
  schema: libvirtSchema,
  open: (settings, tools) => new LibvirtTarget(settings, tools),
};

class LibvirtTarget implements Target {
  readonly #virsh: Virsh;

  constructor(readonly settings: LibvirtSettings, tools: HostTools) {
    this.#virsh = new Virsh(settings.uri, tools);
  }

  async check(): Promise<readonly TargetCheck[]> {
    return await checkLibvirt(this.#virsh, this.settings);
  }

  async plan(
    image: DeployImage,
    { force, ids }: { readonly force: boolean; readonly ids: Ids },
  ): Promise<DeployPlan> {
    const { uri, pool, define, domain_type: wanted } = this.settings;
    const virsh = this.#virsh;
    const name = fillName(this.settings.name, image.entry);
    const volume = `${name}.qcow2`;
    await findPool(virsh, pool);
    await refreshPool(virsh, pool);
    const what = define === "domain" ? `domain ${name}` : `volume ${pool}/${volume}`;
    const where = `${what} of ${uri}`;
    const domain = await findDomain(virsh, name);
    // Cut short after its last action: there is nothing left to do.
    if (!force && domain?.running && domain.mark?.sha256 === image.sha256 && ids.uuid !== undefined) {
      return { where, actions: [] };
    }
    if (define === "domain") this.#refuseOthersDomain(name, domain, image, force);
    if (define === "domain" || force) refuseRunning(virsh, name, domain);
    const network = define === "domain" ? libvirtNetwork(this.settings) : undefined;
    if (network !== undefined) await isActiveNetwork(virsh, network);
    const type = define === "domain" ? await domainType(virsh, image.entry.architecture, wanted) : undefined;
    const found = await this.#lookAtVolume(volume, image, ids);
    if (found === "other" && !force) {
      throw taken(`the volume ${pool}/${volume}`, image, uri);
    }
    const job: LibvirtJob = { image, name, volume, type, found };
    return { where, actions: libvirtActions(virsh, this.settings, job) };
  }

  #refuseOthersDomain(
    name: string,
    found: FoundDomain | undefined,
    image: DeployImage,
    force: boolean,
  ): void {
    if (force || found === undefined || found.mark?.sha256 === image.sha256) return;
    const from = found.mark === undefined ? "" : `, made from ${found.mark.image}`;
    throw taken(`the domain ${name}${from}`, image, this.settings.uri);
  }

  async #lookAtVolume(volume: string, image: DeployImage, ids: Ids): Promise<LibvirtJob["found"]> {
    const name = { pool: this.settings.pool, volume };
    const found = await findVolume(this.#virsh, name);
    if (found === undefined) return "none";
    if (await isUnfinished(this.#virsh, name, image.sha256)) return "unfinished";
    const same = found.bytes === (await Deno.stat(image.path)).size &&
      await volumeSha256(this.#virsh, name, found.bytes) === image.sha256;
    if (same) return "whole";
    return ids.pool === name.pool && ids.volume === volume ? "changed" : "other";
  }

  place(entry: ImageEntry): Place {
    const { uri, pool, name } = this.settings;
    return { at: uri, name: `${pool}/${fillName(name, entry)}`, movable: true };
  }

  async presence(ids: Ids, sha256: string): Promise<Presence> {
    const { pool, volume, domain } = ids;
    if (pool === undefined || volume === undefined) return "missing";
    await refreshPool(this.#virsh, pool);
    const found = await findVolume(this.#virsh, { pool, volume });
    if (found === undefined) return "missing";
    if (domain !== undefined) {
      // A domain writes to its disk: that is what it is for.
      const mark = (await findDomain(this.#virsh, domain))?.mark;
      return mark === undefined ? "missing" : mark.sha256 === sha256 ? "there" : "changed";
    }
    if (this.settings.define === "domain") return "changed";
    return await isUnchanged(this.#virsh, { pool, volume }, ids, sha256) ? "there" : "changed";
  }

  async remove(ids: Ids, kept?: Ids): Promise<void> {
    const { pool, volume, varsVolume, domain, sha256 } = ids;
    const virsh = this.#virsh;
    if (kept !== undefined) await this.#refuseUsed(ids);
    const own = domain !== undefined && domain !== kept?.domain;
    const found = own ? await findDomain(virsh, domain) : undefined;
    if (domain !== undefined && found !== undefined) {
      if (found.mark?.sha256 !== sha256) {
        throw new DeployError(`Cannot remove the domain ${domain}: it is not the one that was deployed`, {
          hint: "Look at it: virsh dumpxml; or only forget the deployment: pim deploy remove --forget",
        });
      }
      refuseRunning(virsh, domain, found);
      await undefineDomain(virsh, domain);
    }
    if (pool === undefined) return;
    await refreshPool(virsh, pool);
    if (domain === undefined && kept === undefined) await this.#refuseOthersVolume(ids);
    for (const each of [volume, varsVolume]) {
      if (each !== undefined) await deleteVolume(virsh, { pool, volume: each });
    }
  }

  /** A volume alone has no mark: one that is not what was deployed may be a later image's, or in use. */
  async #refuseOthersVolume(ids: Ids): Promise<void> {
    const { pool = "", volume, bytes, sha256 = "" } = ids;
    if (volume === undefined || bytes === undefined) return;
    const [virsh, name] = [this.#virsh, { pool, volume }];
    if (await findVolume(virsh, name) === undefined || await isUnchanged(virsh, name, ids, sha256)) return;
    if (await isUnfinished(virsh, name, sha256)) return;
    throw new DeployError(`Cannot remove the volume ${pool}/${volume}: it is not what was deployed`, {
      hint: "Remove it by hand, or only forget the deployment with --forget.",
    });
  }

  /** What a machine has written to is for people to remove. */
  async #refuseUsed({ pool, volume, bytes, modified }: Ids): Promise<void> {
    if (pool === undefined || volume === undefined) return;
    const found = await findVolume(this.#virsh, { pool, volume });
    if (found === undefined || (String(found.bytes) === bytes && found.modified === modified)) return;
    throw new DeployError(`the volume ${pool}/${volume} has been written to since it was deployed`);
  }

  async startInstance(deployed: Deployed, context: InstanceContext): Promise<Instance> {
    return await startInstance(this.#virsh, this.settings, deployed, context);
  }

  async removeInstance(ids: Ids): Promise<void> {
    await removeInstance(this.#virsh, ids);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function taken(what: string, { entry: { name } }: DeployImage, uri: string): DeployError {
  return new DeployError(`Cannot deploy ${name} to ${uri}: ${what} is there already`, {
    hint: "Remove it, set another `name` in targets.d, or replace it with --force.",
  });
}
