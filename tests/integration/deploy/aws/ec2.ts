import { Ec2Instances, instanceActions, type KnownAmi } from "./ec2_instances.ts";
import { type ActionSpec, type Parameters, tagsOf, tagsXml } from "./ec2_parameters.ts";
import { AwsFailure, element } from "./failure.ts";
import type { S3StandIn } from "./s3.ts";

interface Task {
  readonly id: string;
  readonly object: string;
  readonly bytes: Uint8Array;
  readonly encryption: Pick<Snapshot, "encrypted" | "key">;
  looks: number;
  status: "active" | "completed" | "deleted";
  message: string;
  snapshot?: string;
}

interface Snapshot {
  /** The file that it was imported from. */
  readonly bytes: Uint8Array;
  readonly encrypted: boolean;
  readonly key?: string;
  readonly tags: Record<string, string>;
}

interface Ami {
  readonly parameters: Parameters;
  readonly name: string;
  readonly snapshot: string;
  readonly tags: Record<string, string>;
  readonly accounts: Set<string>;
  state: "pending" | "available" | "failed";
  looks: number;
}

/** Images and snapshots of one account in one region, written from EC2's API reference. */
export class Ec2StandIn {
  readonly roles = new Set(["vmimport"]);
  readonly tasks = new Map<string, Task>();
  readonly snapshots = new Map<string, Snapshot>();
  readonly images = new Map<string, Ami>();
  readonly instances = new Ec2Instances((id) => this.#launchable(id));
  readonly #tokens = new Map<string, string>();
  /** How often an import, and an AMI, is looked at before it is done. */
  looksUntilDone = 0;
  /** What every import fails with. */
  failImports?: string;
  #count = 0;

  /** @param others the stand-ins of other regions, by their names */
  constructor(readonly s3: S3StandIn, readonly others: ReadonlyMap<string, Ec2StandIn>) {}

  /** Checks the parameters of an action, and does it. */
  answer(action: string, parameters: Parameters): string {
    const spec = actions[action];
    if (spec === undefined) throw new AwsFailure(400, "InvalidAction", `${action} is not valid`);
    const names = Object.keys(parameters).filter((name) => name !== "Action" && name !== "Version");
    const unknown = names.find((name) => ![...spec.must, ...spec.may].some((each) => each.test(name)));
    if (unknown !== undefined) throw new AwsFailure(400, "UnknownParameter", `${unknown} is not recognized`);
    const missing = spec.must.find((each) => !names.some((name) => each.test(name)));
    if (missing !== undefined) throw new AwsFailure(400, "MissingParameter", `${missing.source} is missing`);
    if (parameters.DryRun === "true") {
      if (action === "RunInstances") this.instances.check(parameters);
      throw new AwsFailure(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
    }
    const work = this.#work[action] ?? this.instances.work[action]!;
    return element(`${action}Response`, work(parameters));
  }

  /** Puts an AMI there as if someone else had made it. */
  addForeignAmi(name: string): string {
    const id = this.#id("ami");
    const more = { tags: {}, accounts: new Set<string>(), state: "available" as const, looks: 0 };
    this.images.set(id, { parameters: {}, name, snapshot: "snap-foreign", ...more });
    return id;
  }

  readonly #work: Readonly<Record<string, (parameters: Parameters) => readonly string[]>> = {
    ImportSnapshot: (parameters) => {
      const token = parameters.ClientToken ?? "";
      const id = this.#tokens.get(token) ?? this.#import(parameters);
      this.#tokens.set(token, id);
      return [element("importTaskId", id)];
    },
    DescribeImportSnapshotTasks: ({ "ImportTaskId.1": id = "" }) => {
      const task = this.#task(id);
      this.#goOn(task);
      return [element("importSnapshotTaskSet", [element("item", taskXml(task))])];
    },
    CancelImportTask: ({ ImportTaskId: id = "" }) => {
      const task = this.#task(id);
      if (task.status !== "active") throw new AwsFailure(400, "IncorrectState");
      task.status = "deleted";
      return [element("importTaskId", id)];
    },
    DescribeSnapshots: ({ "SnapshotId.1": id = "" }) => {
      const { tags } = this.#snapshot(id);
      const item = [
        element("snapshotId", id),
        element("status", "completed"),
        element("tagSet", tagsXml(tags)),
      ];
      return [element("snapshotSet", [element("item", item)])];
    },
    DeleteSnapshot: ({ SnapshotId: id = "" }) => {
      this.#snapshot(id);
      const user = [...this.images].find(([, { snapshot }]) => snapshot === id);
      if (user !== undefined) throw new AwsFailure(400, "InvalidSnapshot.InUse", `it is used by ${user[0]}`);
      this.snapshots.delete(id);
      return [element("return", true)];
    },
    CreateTags: (parameters) => {
      Object.assign(this.#snapshot(parameters["ResourceId.1"] ?? "").tags, tagsOf(parameters, "Tag"));
      return [element("return", true)];
    },
    RegisterImage: (parameters) => [element("imageId", this.#register(parameters))],
    CopyImage: (parameters) => {
      const token = parameters.ClientToken ?? "";
      const id = this.#tokens.get(token) ?? this.#copy(parameters);
      this.#tokens.set(token, id);
      return [element("imageId", id)];
    },
    DeregisterImage: ({ ImageId: id = "" }) => {
      this.#image(id);
      this.images.delete(id);
      return [element("return", true)];
    },
    DescribeImages: (parameters) => {
      const { "ImageId.1": id, "Filter.1.Name": filter, "Filter.1.Value.1": value = "" } = parameters;
      const state = parameters["Filter.2.Name"] === "state" ? parameters["Filter.2.Value.1"] : undefined;
      if (id !== undefined) this.#image(id);
      if (id === undefined && filter !== "name" && filter !== "tag-key") {
        throw new AwsFailure(400, "InvalidParameterValue", "Filter.1");
      }
      const found = [...this.images].filter(([each, { name, tags }]) =>
        id !== undefined ? each === id : filter === "name" ? name === value : value in tags
      ).filter(([, ami]) => state === undefined || ami.state === state);
      for (const [, ami] of found) {
        if (ami.state === "pending" && ami.looks++ >= this.looksUntilDone) ami.state = "available";
      }
      const items = found.map(([each, ami]) => element("item", imageXml(each, ami)));
      return [element("imagesSet", items)];
    },
    DescribeImageAttribute: ({ ImageId: id = "" }) => {
      const items = [...this.#image(id).accounts].map((each) => element("item", [element("userId", each)]));
      return [element("imageId", id), element("launchPermission", items)];
    },
    ModifyImageAttribute: (parameters) => {
      const { accounts } = this.#image(parameters.ImageId ?? "");
      for (const [name, value] of Object.entries(parameters)) {
        if (name.startsWith("LaunchPermission.Add.")) accounts.add(value);
      }
      return [element("return", true)];
    },
  };

  #id(kind: string): string {
    return `${kind}-${(++this.#count).toString(16).padStart(17, "0")}`;
  }

  #import(parameters: Parameters): string {
    const role = parameters.RoleName ?? "vmimport";
    if (!this.roles.has(role)) {
      const message =
        `The service role ${role} provided does not exist or does not have sufficient permissions`;
      throw new AwsFailure(400, "InvalidParameter", message);
    }
    if (parameters["DiskContainer.Format"] !== "VMDK") throw new AwsFailure(400, "InvalidParameterValue");
    const object = `${parameters["DiskContainer.UserBucket.S3Bucket"]}/${
      parameters["DiskContainer.UserBucket.S3Key"]
    }`;
    const stored = this.s3.objects.get(object);
    if (stored === undefined) throw new AwsFailure(400, "InvalidParameter", "the S3 object is not there");
    const id = this.#id("import-snap");
    const { Encrypted, KmsKeyId: key } = parameters;
    if (key !== undefined && Encrypted !== "true") throw new AwsFailure(400, "InvalidParameterDependency");
    const encryption = { encrypted: Encrypted === "true", ...(key !== undefined && { key }) };
    const { bytes } = stored;
    this.tasks.set(id, { id, object, bytes, encryption, looks: 0, status: "active", message: "pending" });
    return id;
  }

  #goOn(task: Task): void {
    if (task.status !== "active") return;
    const { objects } = this.s3;
    const magic = new TextDecoder().decode(task.bytes.subarray(0, 4));
    const failure = this.failImports ??
      (objects.has(task.object) ? undefined : "ClientError: the S3 object is gone") ??
      (magic === "KDMV" ? undefined : "ClientError: Disk validation failed [Unsupported VMDK File Format]");
    if (failure !== undefined) {
      task.status = "deleted";
      task.message = failure;
    } else if (++task.looks > this.looksUntilDone) {
      task.status = "completed";
      task.snapshot = this.#id("snap");
      this.snapshots.set(task.snapshot, { bytes: task.bytes, ...task.encryption, tags: {} });
    }
  }

  #register(parameters: Parameters): string {
    const { Name: name = "", RootDeviceName: root, BootMode: boot = "legacy-bios" } = parameters;
    const snapshot = parameters["BlockDeviceMapping.1.Ebs.SnapshotId"] ?? "";
    const taken = [...this.images].find(([, ami]) => ami.name === name);
    if (taken !== undefined) {
      throw new AwsFailure(
        400,
        "InvalidAMIName.Duplicate",
        `AMI name ${name} is already in use by ${taken[0]}`,
      );
    }
    if (!/^[A-Za-z0-9()[\] ./'@_-]{3,128}$/.test(name)) throw new AwsFailure(400, "InvalidAMIName.Malformed");
    this.#snapshot(snapshot);
    const valid = parameters["BlockDeviceMapping.1.DeviceName"] === root &&
      ["x86_64", "arm64"].includes(parameters.Architecture ?? "") &&
      ["legacy-bios", "uefi", "uefi-preferred"].includes(boot) &&
      (parameters.Architecture === "x86_64" || boot === "uefi") &&
      parameters.VirtualizationType === "hvm" && parameters.ImdsSupport === "v2.0" &&
      ["gp2", "gp3"].includes(parameters["BlockDeviceMapping.1.Ebs.VolumeType"] ?? "");
    if (!valid) throw new AwsFailure(400, "InvalidParameterValue", JSON.stringify(parameters));
    if (parameters["TagSpecification.1.ResourceType"] !== "image") {
      throw new AwsFailure(400, "InvalidParameterValue", "only the image can be tagged");
    }
    const id = this.#id("ami");
    const tags = tagsOf(parameters, "TagSpecification.1.Tag");
    this.images.set(id, {
      parameters,
      name,
      snapshot,
      tags,
      accounts: new Set(),
      state: "pending",
      looks: 0,
    });
    return id;
  }

  #copy(parameters: Parameters): string {
    const { Name: name = "", SourceImageId: from = "", SourceRegion: region = "" } = parameters;
    const source = this.others.get(region);
    const original = source?.images.get(from);
    const disk = source?.snapshots.get(original?.snapshot ?? "");
    if (original?.state !== "available" || disk === undefined) {
      throw new AwsFailure(400, "InvalidAMIID.NotFound", `${from} in ${region} is not there`);
    }
    if ([...this.images.values()].some((ami) => ami.name === name)) {
      throw new AwsFailure(400, "InvalidAMIName.Duplicate", `${name} is already in use`);
    }
    const [id, snapshot] = [this.#id("ami"), this.#id("snap")];
    const kinds = [
      parameters["TagSpecification.1.ResourceType"],
      parameters["TagSpecification.2.ResourceType"],
    ];
    if (kinds.join() !== "image,snapshot") throw new AwsFailure(400, "InvalidParameterValue", kinds.join());
    const encrypted = parameters.Encrypted === "true";
    const tags = (index: number) => tagsOf(parameters, `TagSpecification.${index}.Tag`);
    this.snapshots.set(snapshot, { bytes: disk.bytes, encrypted, tags: tags(2) });
    const more = { accounts: new Set<string>(), state: "pending" as const, looks: 0 };
    this.images.set(id, { parameters, name, snapshot, tags: tags(1), ...more });
    return id;
  }

  #task(id: string): Task {
    const task = this.tasks.get(id);
    if (task === undefined) throw new AwsFailure(400, "InvalidConversionTaskId", `${id} is not there`);
    return task;
  }

  #snapshot(id: string): Snapshot {
    const snapshot = this.snapshots.get(id);
    if (snapshot === undefined) throw new AwsFailure(400, "InvalidSnapshot.NotFound", `${id} is not there`);
    return snapshot;
  }

  #launchable(id: string): KnownAmi {
    const { parameters, state, snapshot } = this.#image(id);
    if (state !== "available") throw new AwsFailure(400, "InvalidAMIID.Unavailable", `${id} is ${state}`);
    return { architecture: parameters.Architecture ?? "", disk: this.#snapshot(snapshot).bytes };
  }

  #image(id: string): Ami {
    const image = this.images.get(id);
    if (image === undefined) throw new AwsFailure(400, "InvalidAMIID.NotFound", `${id} is not there`);
    return image;
  }
}

function taskXml({ id, looks, status, message, snapshot }: Task): string[] {
  return [
    element("importTaskId", id),
    element("snapshotTaskDetail", [
      ...[
        element("format", "VMDK"),
        element("progress", Math.min(99, looks * 30)),
        element("status", status),
      ],
      element("statusMessage", message),
      ...(snapshot === undefined ? [] : [element("snapshotId", snapshot)]),
    ]),
  ];
}

function imageXml(id: string, { name, snapshot, tags, state, parameters }: Ami): string[] {
  const ebs = element("ebs", [element("snapshotId", snapshot)]);
  return [
    ...[element("imageId", id), element("name", name), element("imageState", state)],
    element("architecture", parameters.Architecture ?? "x86_64"),
    element("blockDeviceMapping", [element("item", [element("deviceName", "/dev/xvda"), ebs])]),
    element("tagSet", tagsXml(tags)),
  ];
}

const dryRun = /^DryRun$/;
const tagSpecification = /^TagSpecification\.1\.(ResourceType|Tag\.\d+\.(Key|Value))$/;

/** Parameters that each action must have, and those that it may have. */
const actions: Readonly<Record<string, ActionSpec>> = {
  ...instanceActions,
  ImportSnapshot: {
    must: [
      /^DiskContainer\.Format$/,
      /^DiskContainer\.UserBucket\.S3Bucket$/,
      /^DiskContainer\.UserBucket\.S3Key$/,
    ],
    may: [
      dryRun,
      /^(ClientToken|RoleName|Description|DiskContainer\.Description|Encrypted|KmsKeyId)$/,
      tagSpecification,
    ],
  },
  DescribeImportSnapshotTasks: { must: [/^ImportTaskId\.1$/], may: [] },
  CancelImportTask: { must: [/^ImportTaskId$/], may: [/^CancelReason$/] },
  DescribeSnapshots: { must: [/^SnapshotId\.1$/], may: [] },
  DeleteSnapshot: { must: [/^SnapshotId$/], may: [] },
  CreateTags: { must: [/^ResourceId\.1$/, /^Tag\.1\.Key$/], may: [/^Tag\.\d+\.(Key|Value)$/] },
  RegisterImage: {
    must: [/^Name$/, /^RootDeviceName$/, /^BlockDeviceMapping\.1\.Ebs\.SnapshotId$/],
    may: [
      /^(Description|Architecture|VirtualizationType|EnaSupport|BootMode|ImdsSupport)$/,
      /^BlockDeviceMapping\.1\.(DeviceName|Ebs\.(VolumeType|DeleteOnTermination))$/,
      tagSpecification,
    ],
  },
  CopyImage: {
    must: [/^Name$/, /^SourceImageId$/, /^SourceRegion$/],
    may: [
      /^(Description|ClientToken|Encrypted)$/,
      /^TagSpecification\.[12]\.(ResourceType|Tag\.\d+\.(Key|Value))$/,
    ],
  },
  DeregisterImage: { must: [/^ImageId$/], may: [] },
  DescribeImages: { must: [], may: [dryRun, /^(ImageId|Owner)\.1$/, /^Filter\.[12]\.(Name|Value\.1)$/] },
  DescribeImageAttribute: { must: [/^ImageId$/, /^Attribute$/], may: [] },
  ModifyImageAttribute: {
    must: [/^ImageId$/],
    may: [/^Attribute$/, /^LaunchPermission\.Add\.\d+\.UserId$/],
  },
};
