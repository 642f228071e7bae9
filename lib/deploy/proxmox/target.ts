import { messageOf, PimError } from "../../errors.ts";
import type { ImageEntry } from "../../image/entry.ts";
import type { Instance } from "../../verify/instance.ts";
import { deploying } from "../api_failure.ts";
import { DeployError } from "../deploy_error.ts";
import { usableVars } from "../efi_vars.ts";
import type {
  Action,
  Deployed,
  DeployImage,
  DeployPlan,
  Ids,
  InstanceContext,
  Place,
  Presence,
  Target,
  TargetCheck,
} from "../target.ts";
import { type Leftovers, leftoversOf } from "./clean_up.ts";
import type { PveHost, PveVm } from "./host.ts";
import { removeInstance, startInstance } from "./instance.ts";
import type { ProxmoxSettings } from "./settings.ts";
import { type OpenHost, TemplateSteps } from "./steps.ts";
import { markOf, type PveMark, vmName } from "./vm.ts";

/** Templates of a Proxmox VE host, whichever way it is reached. */
export class ProxmoxTarget implements Target {
  #host: Promise<PveHost> | undefined;

  constructor(
    readonly settings: ProxmoxSettings,
    readonly openHost: OpenHost,
    readonly signal: AbortSignal,
  ) {}

  async check(wants = { verify: false }): Promise<readonly TargetCheck[]> {
    try {
      return await (await this.#open()).check(wants);
    } catch (error) {
      if (!(error instanceof PimError) || this.signal.aborted) throw error;
      const { hint } = error;
      return [{ name: "host", ok: false, detail: messageOf(error), ...(hint !== undefined && { hint }) }];
    }
  }

  async plan(
    image: DeployImage,
    { force, ids }: { readonly force: boolean; readonly ids: Ids },
  ): Promise<DeployPlan> {
    return await deploying(`deploy ${image.entry.name}`, async () => {
      if (image.entry.architecture !== "amd64") {
        const { name, architecture } = image.entry;
        throw new DeployError(`Cannot deploy ${name}: Proxmox VE runs amd64, and it is ${architecture}`);
      }
      const host = await this.#open();
      const name = vmName(this.settings.name, image);
      const where = `template ${name} on ${this.settings.host}`;
      const steps = new TemplateSteps(host, this.openHost, image, this.settings);
      const taken = await this.#taken(host, name);
      const { whole, ...left } = await leftoversOf(host, ids, image);
      const same = taken.find(({ template, mark }) => template && mark?.sha256 === image.sha256);
      if (same !== undefined && !force) {
        const sources = [...left.sources, whole].filter((each) => each !== undefined);
        return { where, actions: [steps.keep(same.vmid), ...steps.clear({ ...left, sources })] };
      }
      const others = taken.filter(({ vmid }) => vmid !== left.vmid);
      for (const other of others) this.#respect(image, name, other, force);
      if (whole === undefined) await assertRoom(host, image);
      return { where, actions: await this.#actions(steps, name, left, whole, others) };
    });
  }

  place(entry: ImageEntry): Place {
    const { host, node, storage, vmid } = this.settings;
    const name = vmName(this.settings.name, { entry });
    return {
      at: node === undefined ? host : `${node} of ${host}`,
      name: `${name}${vmid === undefined ? "" : ` (VM ${vmid})`} on ${storage}`,
      movable: false,
    };
  }

  async presence(ids: Ids, sha256: string): Promise<Presence> {
    return await deploying("look for the template", async () => {
      const vmid = Number(ids.vmid);
      const config = ids.vmid === undefined ? undefined : await (await this.#open()).config(vmid);
      if (config === undefined) return "missing";
      return config.template && markOf(config.description, vmid)?.sha256 === sha256 ? "there" : "changed";
    });
  }

  async remove(ids: Ids): Promise<void> {
    await deploying("remove the template", async () => {
      const host = await this.#open();
      const vmid = Number(ids.vmid);
      const config = ids.vmid === undefined ? undefined : await host.config(vmid);
      const mark = markOf(config?.description ?? "", vmid);
      if (config !== undefined && mark === undefined) {
        throw new DeployError(`Cannot remove the VM ${vmid}: pim has not made it`, {
          hint: "Remove it by hand, or only forget the deployment with --forget.",
        });
      }
      if (mark?.sha256 === ids.sha256 && mark !== undefined) await host.destroy(vmid);
      for (const source of [ids.upload, ids.vars]) if (source !== undefined) await host.discard(source);
    });
  }

  async startInstance(deployed: Deployed, context: InstanceContext): Promise<Instance> {
    return await deploying("start an instance of the template", async () => {
      const place = { host: await this.#open(), openHost: this.openHost, settings: this.settings };
      return await startInstance(place, deployed, context);
    });
  }

  async removeInstance(ids: Ids): Promise<void> {
    await deploying(
      "remove an instance of the template",
      async () => removeInstance(await this.#open(), ids),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A host that was never reached has nothing to close.
    const host = await this.#host?.catch(() => undefined);
    await host?.[Symbol.asyncDispose]();
  }

  /** The VMs that have the name or the id which the template is to have. */
  async #taken(host: PveHost, name: string): Promise<readonly TakenVm[]> {
    const found: TakenVm[] = [];
    for (const vm of await host.vms()) {
      if (vm.name !== name && vm.vmid !== this.settings.vmid) continue;
      const config = await host.config(vm.vmid);
      const mark = markOf(config?.description ?? "", vm.vmid);
      found.push({ ...vm, template: config?.template ?? false, ...(mark !== undefined && { mark }) });
    }
    return found;
  }

  #respect(image: DeployImage, name: string, { vmid, mark, name: found }: TakenVm, force: boolean): void {
    const foreign = mark === undefined;
    const sameId = vmid === this.settings.vmid;
    // Beside a VM of the same name another one can be; in the place of one that is not pim's it cannot.
    if (force && !(foreign && sameId)) return;
    const what = foreign ? "not pim's" : `${mark.image}, deployed by pim`;
    const setting = sameId ? "vmid" : "`name`";
    throw new DeployError(
      `Cannot deploy ${image.entry.name} as ${name}: VM ${vmid} ${found} is there already (${what})`,
      {
        hint: foreign
          ? `Set another ${setting} in targets.d: pim destroys no VM that it has not made.`
          : "Put this one in its place with --force.",
      },
    );
  }

  async #actions(
    steps: TemplateSteps,
    name: string,
    left: Leftovers,
    whole: string | undefined,
    others: readonly TakenVm[],
  ): Promise<readonly Action[]> {
    const { image, host } = steps;
    const vmid = this.settings.vmid ?? await host.nextId();
    const disk = whole ?? host.sourceOf(fileName(image, "qcow2"));
    const efiVars = await usableVars(image);
    const vars = efiVars === undefined ? undefined : host.sourceOf(fileName(image, "raw"));
    const replaced = others.filter(({ mark }) => mark !== undefined);
    const destroy = (each: TakenVm) => steps.destroy(each.vmid, each.mark);
    return [
      ...steps.clear(left),
      ...(whole === undefined ? [steps.uploadDisk(disk)] : []),
      ...(efiVars === undefined || vars === undefined ? [] : [steps.uploadVars(efiVars, vars)]),
      // One with the id that is set has to go before; the others stay until the new one is there.
      ...replaced.filter((each) => each.vmid === vmid).map(destroy),
      steps.create(name, vmid, { disk, vars }),
      steps.toTemplate(),
      steps.removeUploads([disk, vars].filter((each) => each !== undefined)),
      ...replaced.filter((each) => each.vmid !== vmid).map(destroy),
    ];
  }

  #open(): Promise<PveHost> {
    return this.#host ??= this.openHost(this.signal);
  }
}

interface TakenVm extends PveVm {
  readonly template: boolean;
  readonly mark?: PveMark;
}

function fileName({ sha256 }: DeployImage, ending: string): string {
  return `pim-${sha256.slice(0, 12)}-${crypto.randomUUID().slice(0, 8)}.${ending}`;
}

async function assertRoom(host: PveHost, { entry }: DeployImage): Promise<void> {
  const { upload } = await host.room();
  if (upload === undefined || upload >= entry.bytes) return;
  const mebibytes = (bytes: number) => Math.ceil(bytes / 1024 ** 2);
  throw new DeployError(
    `Cannot deploy ${entry.name}: it has ${mebibytes(entry.bytes)} MiB, and only ${
      Math.floor(upload / 1024 ** 2)
    } MiB are free at the host`,
    { hint: "Make room there, or set import_storage or upload_dir in targets.d." },
  );
}
