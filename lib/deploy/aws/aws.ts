import { UsageError } from "../../errors.ts";
import { DeployError } from "../deploy_error.ts";
import { fillName } from "../name_template.ts";
import type {
  DeployImage,
  DeployPlan,
  HostTools,
  Ids,
  Presence,
  Target,
  TargetCheck,
  TargetType,
} from "../target.ts";
import { type Ami, findAmi, getAmi, launchAccounts } from "./ami.ts";
import { checkTarget } from "./check.ts";
import { type Cloud, openCloud } from "./cloud.ts";
import { checkBucket, objectKey } from "./object.ts";
import { planActions } from "./plan.ts";
import { removeAll } from "./remove.ts";
import { awsSchema, type AwsSettings } from "./settings.ts";
import { survey } from "./survey.ts";

/** AMIs of Amazon EC2, imported by way of S3. */
export const aws: TargetType<AwsSettings> = {
  type: "aws",
  brief: "an AMI of Amazon EC2",
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

  async check(): Promise<readonly TargetCheck[]> {
    return await checkTarget(await this.#cloud(), this.settings);
  }

  async plan(
    image: DeployImage,
    { force, ids }: { readonly force: boolean; readonly ids: Ids },
  ): Promise<DeployPlan> {
    const { settings, tools } = this;
    const { region, bucket, prefix } = settings;
    const name = amiName(settings, image);
    if (ids.region !== undefined && ids.region !== region) throw elsewhere(image, ids.region, region);
    const cloud = await this.#cloud();
    const ami = await findAmi(cloud, name);
    if (ami !== undefined) refuseTaken(ami, { image, force, region, ids });
    const taken = ami !== undefined && ami.sha256 === image.sha256 && !force ? ami : undefined;
    if (taken === undefined) await checkBucket(cloud, bucket);
    const missingAccounts = await this.#missingAccounts(cloud, taken);
    const place = { bucket, key: objectKey(prefix, image) };
    const begun = await survey(cloud, { ids, ami, place, sha256: image.sha256 });
    const actions = planActions(
      { cloud, settings, image, name, place, qemuImg: () => tools.qemuImg() },
      { ...begun, ids, ...(taken === undefined ? { replaced: ami } : { taken }), missingAccounts },
    );
    return { where: `the AMI ${name} in ${region}`, actions };
  }

  async presence(ids: Ids, sha256: string): Promise<Presence> {
    const cloud = await this.#cloud(ids.region);
    const ami = ids.image === undefined ? undefined : await getAmi(cloud, ids.image);
    if (ami === undefined) return "missing";
    if (ami.sha256 !== sha256 || ami.state !== "available") return "changed";
    return (await this.#missingAccounts(cloud, ami)).length === 0 ? "there" : "changed";
  }

  async remove(ids: Ids): Promise<void> {
    await removeAll(await this.#cloud(ids.region), ids, this.tools.signal);
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

  async #missingAccounts(cloud: Cloud, ami: Ami | undefined): Promise<readonly string[]> {
    const wanted = this.settings.launch_accounts;
    if (ami === undefined || wanted.length === 0) return wanted;
    const allowed = await launchAccounts(cloud, ami.id);
    return wanted.filter((account) => !allowed.includes(account));
  }
}

function amiName({ name }: AwsSettings, { entry }: DeployImage): string {
  const filled = fillName(name, entry);
  if (filled.length >= 3) return filled;
  throw new UsageError(
    `${JSON.stringify(filled)} cannot be the name of an AMI: it has fewer than 3 characters`,
    {
      hint: "Set a longer `name` in targets.d.",
    },
  );
}

/** Only what bears pim's mark is ever replaced, and only with --force. */
function refuseTaken(
  ami: Ami,
  { image: { entry, sha256 }, force, region, ids }: {
    readonly image: DeployImage;
    readonly force: boolean;
    readonly region: string;
    readonly ids: Ids;
  },
): void {
  const what = `Cannot deploy ${entry.name}: ${region} has an AMI ${ami.name} already (${ami.id})`;
  if (ami.sha256 === undefined && ids.image !== ami.id) {
    throw new DeployError(`${what}, and pim has not made it`, {
      hint:
        "Set another `name` in targets.d, or remove that AMI yourself: pim touches only what bears its tags.",
    });
  }
  if (ami.sha256 !== sha256 && !force) {
    throw new DeployError(`${what}, made from another image`, {
      hint: "Replace it with --force, or set another `name` in targets.d, such as {name}.",
    });
  }
}

function elsewhere({ entry }: DeployImage, was: string, now: string): DeployError {
  return new DeployError(
    `Cannot deploy ${entry.name} to ${now}: this target has it in ${was}, and the record would be lost`,
    {
      hint:
        `Give ${now} a target of its own in targets.d, or remove it there first: pim deploy remove TARGET/${entry.name}`,
    },
  );
}
