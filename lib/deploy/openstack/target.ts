import { messageOf, PimError } from "../../errors.ts";
import type { ImageEntry } from "../../image/entry.ts";
import type { TlsTrust } from "../../http/tls_pin.ts";
import type { SshInstance } from "../../verify/ssh_instance.ts";
import { deploying } from "../api_failure.ts";
import { readCaFile } from "../ca_file.ts";
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
} from "../target.ts";
import { Cloud } from "./cloud.ts";
import { Glance, type GlanceImage, isOurs, isWhole } from "./glance.ts";
import { type KeystoneSession, logIn } from "./keystone.ts";
import type { InstanceSettings, OpenstackSettings } from "./settings.ts";
import { ImageSteps, removalHint } from "./steps.ts";

/** An OpenStack cloud. */
export class OpenstackTarget implements Target {
  #cloud: Promise<Cloud> | undefined;

  constructor(
    readonly settings: OpenstackSettings,
    readonly tools: HostTools,
    readonly baseDir: string,
  ) {}

  async check(wants = { verify: false }): Promise<readonly TargetCheck[]> {
    try {
      // Who looks wants to know how it is now.
      const cloud = await this.#connect(0);
      const glance = new Glance(cloud);
      const { project, expires, urlOf } = await cloud.session();
      const imageUrl = urlOf("image");
      await glance.named("pim-check");
      return [
        { name: "credential", ok: true, detail: `project ${project.name}, token until ${expires}` },
        { name: "image service", ok: true, detail: imageUrl },
        ...plainCheck([this.settings.auth_url, imageUrl]),
        ...(this.settings.import ? [await importCheck(glance)] : []),
        ...(wants.verify ? await this.#checkInstances(cloud) : []),
      ];
    } catch (error) {
      if (!(error instanceof PimError) || this.tools.signal.aborted) throw error;
      const { hint } = error;
      return [{ name: "cloud", ok: false, detail: messageOf(error), ...(hint !== undefined && { hint }) }];
    }
  }

  async plan(
    image: DeployImage,
    { force, ids }: { readonly force: boolean; readonly ids: Ids },
  ): Promise<DeployPlan> {
    const name = fillName(this.settings.name, image.entry);
    return await deploying(`deploy ${image.entry.name}`, async () => {
      const cloud = await this.#open();
      const glance = new Glance(cloud);
      const session = await cloud.session();
      const where = `image ${name} in project ${session.project.name}, ${placeOf(session)}`;
      const taken = await glance.named(name);
      const same = taken.find((each) => isWhole(each, image.sha256));
      const steps = new ImageSteps(glance, image, name, this.settings, this.tools);
      if (same !== undefined && !force) return { where, actions: [steps.keep(same)] };
      const [other] = taken;
      if (other !== undefined && !force) throw takenError(image, name, other);
      const left = ids.image === undefined ? undefined : await glance.find(ids.image);
      return {
        where,
        actions: [
          ...steps.upload(left),
          steps.nameIt(where),
          ...taken.filter(isOurs).map((old) => steps.replace(old)),
        ],
      };
    });
  }

  place(entry: ImageEntry): Place {
    const { auth_url, region, name } = this.settings;
    const at = region === undefined ? auth_url : `${auth_url} (${region})`;
    return { at, name: fillName(name, entry), movable: false };
  }

  async presence(ids: Ids, sha256: string): Promise<Presence> {
    return await deploying("look for the image", async () => {
      const found = ids.image === undefined
        ? undefined
        : await new Glance(await this.#open()).find(ids.image);
      if (found === undefined) return "missing";
      return isWhole(found, sha256) && (found.os_hash_value ?? found.checksum) === ids.hash
        ? "there"
        : "changed";
    });
  }

  async remove(ids: Ids): Promise<void> {
    const { image } = ids;
    if (image === undefined) return;
    await deploying("remove the image", async () => {
      const glance = new Glance(await this.#open());
      const found = await glance.find(image);
      if (found === undefined) return;
      if (!isOurs(found)) {
        throw new DeployError(`Cannot remove the image ${image}: pim has not made it`, {
          hint: "Remove it by hand, or only forget the deployment with --forget.",
        });
      }
      await glance.remove(image);
    }, removalHint);
  }

  async startInstance(deployed: Deployed, context: InstanceContext): Promise<SshInstance> {
    return await deploying("start an instance of the image", async () => {
      const { startInstance } = await import("./instance.ts");
      return await startInstance(await this.#open(), this.#instanceSettings(), deployed, context);
    });
  }

  async removeInstance({ instance }: Ids): Promise<void> {
    if (instance === undefined) return;
    await deploying(`remove the server ${instance}`, async () => {
      const { removeInstance } = await import("./remove_instance.ts");
      await removeInstance(await this.#open(), instance);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #checkInstances(cloud: Cloud): Promise<readonly TargetCheck[]> {
    const { checkInstances } = await import("./instance_check.ts");
    return await checkInstances(cloud, this.#instanceSettings());
  }

  #instanceSettings(): InstanceSettings {
    const { verify_instance } = this.settings;
    // Without it nobody gets here: openstack.ts says so before anything is opened.
    if (verify_instance === undefined) throw new DeployError("The target has no verify_instance");
    return verify_instance;
  }

  #open(): Promise<Cloud> {
    return this.#cloud ??= this.#connect(3);
  }

  async #connect(retries: number): Promise<Cloud> {
    const { settings, tools } = this;
    const secret = await tools.secret(settings.application_credential_secret, this.baseDir);
    const trust = await this.#trust();
    const shared = { retries, ...(trust !== undefined && { trust }) };
    return new Cloud((signal) =>
      logIn({
        ...{ authUrl: settings.auth_url, credentialId: settings.application_credential_id, secret },
        ...{ interface: settings.interface, signal, ...shared },
        ...(settings.region !== undefined && { region: settings.region }),
      }), { ...shared, signal: tools.signal });
  }

  async #trust(): Promise<TlsTrust | undefined> {
    const { ca_file } = this.settings;
    return ca_file === undefined ? undefined : { ca: await readCaFile(ca_file, this.baseDir, this.tools) };
  }
}

function placeOf({ urlOf, region }: KeystoneSession): string {
  return `${new URL(urlOf("image")).host}${region === "" ? "" : ` (${region})`}`;
}

/** Some clouds have no TLS inside; who deploys there should know it. */
function plainCheck(urls: readonly string[]): readonly TargetCheck[] {
  const hosts = [...new Set(urls.filter((url) => url.startsWith("http:")).map((url) => new URL(url).host))];
  if (hosts.length === 0) return [];
  const detail = `${hosts.join(" and ")} without TLS: the secret and what is uploaded can be read on the way`;
  return [{ name: "transport", ok: true, detail }];
}

async function importCheck(glance: Glance): Promise<TargetCheck> {
  const methods = await glance.importMethods();
  const ok = methods.includes("glance-direct");
  const detail = methods.length === 0 ? "imports are not offered" : `imports: ${methods.join(", ")}`;
  return { name: "import", ok, detail, ...(!ok && { hint: "Leave `import` out of targets.d." }) };
}

function takenError(image: DeployImage, name: string, other: GlanceImage): DeployError {
  const ours = isOurs(other);
  const what = ours ? `${other.pim_image}, deployed by pim` : "not pim's";
  return new DeployError(
    `Cannot deploy ${image.entry.name}: there is an image ${name} already (${other.id}, ${what})`,
    {
      hint: ours
        ? "Put this one in its place with --force."
        : "Set another `name` in targets.d, or deploy beside it with --force.",
    },
  );
}
