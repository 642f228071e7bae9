import type { ImageEntry } from "../../image/entry.ts";
import type { SshInstance } from "../../verify/ssh_instance.ts";
import { DeployError } from "../deploy_error.ts";
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
import { findAmi, getAmi, missingAccounts } from "./ami.ts";
import { checkTarget } from "./check.ts";
import { type Cloud, openCloud } from "./cloud.ts";
import { copiesAreThere, copyActions, removeCopies } from "./copies.ts";
import { checkInstances } from "./instance_check.ts";
import { instanceExample } from "./instance_settings.ts";
import { amiName, takenAmi } from "./name.ts";
import { checkBucket, objectKey } from "./object.ts";
import { planActions } from "./plan.ts";
import { removeAll } from "./remove.ts";
import { awsSchema, type AwsSettings } from "./settings.ts";
import { survey } from "./survey.ts";
import { removeInstance, startInstance } from "./instance.ts";

/** AMIs of Amazon EC2, imported by way of S3. */
export const aws: TargetType<AwsSettings> = {
  type: "aws",
  brief: "an AMI of Amazon EC2",
  verifies: true,
  lacksForVerify: ({ verify_instance }) => verify_instance === undefined ? instanceExample : undefined,
  schema: awsSchema,
  open: (settings, tools, baseDir) => new AwsTarget(settings, tools, baseDir),
};

class AwsTarget implements Target {
  readonly #clouds = new Map<string, Promise<Cloud>>();

  constructor(
    readonly settings: AwsSettings,
    readonly tools: HostTools,
    readonly baseDir: string,
  ) {}

  async check(wants = { verify: false }): Promise<readonly TargetCheck[]> {
    const { settings } = this;
    const cloud = await this.#cloud();
    const checks = await checkTarget(cloud, settings);
    if (!wants.verify || settings.verify_instance === undefined) return checks;
    return [...checks, ...await checkInstances(cloud, settings.verify_instance)];
  }

  async plan(
    image: DeployImage,
    { force, ids }: { readonly force: boolean; readonly ids: Ids },
  ): Promise<DeployPlan> {
    const { settings, tools } = this;
    const { region, bucket, prefix } = settings;
    const name = amiName(settings, image);
    const cloud = await this.#cloud();
    const ami = await findAmi(cloud, name);
    const taken = takenAmi(ami, { image, force, region, known: ids.image });
    if (taken === undefined) await checkBucket(cloud, bucket);
    const accounts = await missingAccounts(cloud, taken?.id, settings.launch_accounts);
    const place = { bucket, key: objectKey(prefix, image) };
    const begun = await survey(cloud, { ids, ami, place, sha256: image.sha256 });
    const work = { cloud, settings, image, name, place, qemuImg: () => tools.qemuImg() };
    const found = { ...begun, ids, missingAccounts: accounts };
    const copies = await Promise.all(
      settings.copy_to.map(async (each) => copyActions(await this.#cloud(each), work, { force, ids })),
    );
    return {
      where: `the AMI ${name} in ${[region, ...settings.copy_to].join(", ")}`,
      actions: [
        ...planActions(work, taken === undefined ? { ...found, replaced: ami } : { ...found, taken }),
        ...copies.flat(),
      ],
    };
  }

  place(entry: ImageEntry): Place {
    const { region } = this.settings;
    // Whatever the settings say now, the region of what was made is written down with it.
    return { at: "", name: `${amiName(this.settings, { entry })} in ${region}`, movable: false };
  }

  async presence(ids: Ids, sha256: string): Promise<Presence> {
    const cloud = await this.#cloud(ids.region);
    const ami = ids.image === undefined ? undefined : await getAmi(cloud, ids.image);
    if (ami === undefined) return "missing";
    if (ami.sha256 !== sha256 || ami.state !== "available") return "changed";
    const accounts = this.settings.launch_accounts;
    if ((await missingAccounts(cloud, ami.id, accounts)).length > 0) return "changed";
    const clouds = await Promise.all(this.settings.copy_to.map((each) => this.#cloud(each)));
    return await copiesAreThere(clouds, { ids, sha256, accounts }) ? "there" : "changed";
  }

  async remove(ids: Ids): Promise<void> {
    await removeCopies((region) => this.#cloud(region), ids, this.tools.signal);
    await removeAll(await this.#cloud(ids.region), ids, this.tools.signal);
  }

  async startInstance(deployed: Deployed, context: InstanceContext): Promise<SshInstance> {
    const { verify_instance } = this.settings;
    if (verify_instance === undefined) {
      throw new DeployError(
        `Cannot verify ${deployed.entry.name}: it is not said where an instance may run`,
        {
          hint: `Say so in targets.d: ${instanceExample}`,
        },
      );
    }
    return await startInstance(await this.#cloud(context.ids.region), verify_instance, deployed, context);
  }

  async removeInstance(ids: Ids): Promise<void> {
    await removeInstance(await this.#cloud(ids.region), ids, this.tools.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cloud of this.#clouds.values()) await cloud.then((it) => it[Symbol.dispose](), () => {});
  }

  #cloud(region: string = this.settings.region): Promise<Cloud> {
    const { settings, tools, baseDir } = this;
    const cloud = this.#clouds.get(region) ?? openCloud(settings, { tools, baseDir, region });
    this.#clouds.set(region, cloud);
    return cloud;
  }
}
