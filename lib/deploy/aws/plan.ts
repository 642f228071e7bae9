import { log } from "../../log.ts";
import { DeployError } from "../deploy_error.ts";
import type { Action, ActionContext, DeployImage, Ids } from "../target.ts";
import { type Ami, bootMode, deregisterAmi, ec2Architecture, registerAmi } from "./ami.ts";
import type { Cloud } from "./cloud.ts";
import { diskPath, writeDisk } from "./disk.ts";
import { awaitImport, beginImport } from "./import_task.ts";
import { type ObjectPlace, removeObject, showObject } from "./object.ts";
import { removeAll } from "./remove.ts";
import type { AwsSettings } from "./settings.ts";
import { removeSnapshot } from "./snapshot.ts";
import type { Begun } from "./survey.ts";
import { share, take } from "./take.ts";
import { uploadFile } from "./upload.ts";

/** What a deployment is to do. */
export interface Work {
  readonly cloud: Cloud;
  readonly settings: AwsSettings;
  readonly image: DeployImage;
  /** Name of the AMI. */
  readonly name: string;
  readonly place: ObjectPlace;
  qemuImg(): Promise<string>;
}

/** What it finds. */
export interface Found extends Begun {
  /** What an earlier run has written down. */
  readonly ids: Ids;
  /** The AMI that is wanted, made already. */
  readonly taken?: Ami;
  /** One of pim's that has its name and is to go. */
  readonly replaced?: Ami;
  readonly missingAccounts: readonly string[];
}

/** The actions that are left to do. */
export function planActions(work: Work, found: Found): readonly Action[] {
  return [
    ...(found.abandoned === undefined ? [] : [abandon(work, found.abandoned)]),
    ...(found.taken === undefined ? make(work, found) : take(work, found.taken, found)),
    ...(found.missingAccounts.length === 0 ? [] : [share(work.cloud, found.missingAccounts)]),
  ];
}

function make(work: Work, { snapshot, task, uploaded, replaced }: Found): readonly Action[] {
  const imported = snapshot !== undefined;
  return [
    ...(imported || task !== undefined || uploaded ? [] : [convert(work), upload(work)]),
    ...(imported ? [] : [importDisk(work, task)]),
    ...(imported && !uploaded ? [] : [clear(work)]),
    register(work, replaced),
  ];
}

function convert({ image, qemuImg }: Work): Action {
  return {
    phase: "upload",
    text: "write it as a stream-optimised VMDK to a temporary file",
    run: async (context) => await writeDisk(image, await qemuImg(), context),
  };
}

function upload({ cloud, place, image }: Work): Action {
  return {
    phase: "upload",
    text: `upload that to ${showObject(place)}`,
    async run(context) {
      await context.made({ region: cloud.region, bucket: place.bucket, key: place.key });
      await uploadFile(cloud, place, { path: diskPath(context), image }, context);
    },
  };
}

function importDisk({ cloud, place, image, settings }: Work, task: string | undefined): Action {
  return {
    phase: "register",
    text: task === undefined
      ? `import it as a snapshot in ${cloud.region}${settings.encrypted ? ", encrypted" : ""}`
      : `wait for the import ${task}, which runs already`,
    async run(context) {
      const { bucket, key } = place;
      await context.made({ region: cloud.region, bucket, key });
      const id = task ?? await beginImport(cloud, place, { image, settings }, context);
      await awaitImport(cloud, id, { image, place }, context);
    },
  };
}

function clear({ cloud, place }: Work): Action {
  return {
    phase: "register",
    text: `remove ${showObject(place)}`,
    async run({ made }) {
      await removeObject(cloud, place);
      await made({ bucket: "", key: "" });
    },
  };
}

function abandon({ cloud }: Work, abandoned: NonNullable<Begun["abandoned"]>): Action {
  return {
    phase: "upload",
    text: `remove what an earlier run has left in ${showObject(abandoned)}`,
    async run({ made, signal }) {
      await removeAll(cloud, { ...abandoned }, signal);
      await made({ bucket: "", key: "", upload: "", importTask: "", importToken: "" });
    },
  };
}

function register({ cloud, image, name }: Work, replaced: Ami | undefined): Action {
  const { architecture, firmware } = image.entry;
  const how = `${ec2Architecture(architecture)}, ${bootMode(firmware)}, IMDSv2`;
  const place = replaced === undefined ? "" : ` in the place of ${replaced.id}`;
  return {
    phase: "register",
    text: `register it as the AMI ${name} (${how})${place}`,
    async run(context) {
      const { signal } = context;
      const { snapshot } = context.ids;
      if (snapshot === undefined) {
        throw new DeployError(`Cannot register the AMI ${name}: there is no snapshot`);
      }
      if (replaced !== undefined) await replace(cloud, replaced, context);
      const id = await registerAmi(cloud, { name, snapshot, image }, context);
      const old = new Set([...context.ids.replacedSnapshots?.split(" ") ?? [], ...replaced?.snapshots ?? []]);
      for (const each of old) await removeSnapshot(cloud, each, signal);
      await context.made({ replacedSnapshots: "" });
      log.info(`${id} can be launched in ${cloud.region}`);
    },
  };
}

/** Makes its name free. Its snapshots are written down first: once it is gone, nothing names them. */
async function replace(cloud: Cloud, { id, snapshots }: Ami, { ids, made }: ActionContext): Promise<void> {
  const earlier = ids.replacedSnapshots?.split(" ") ?? [];
  await made({ replacedSnapshots: [...earlier, ...snapshots].join(" ") });
  await deregisterAmi(cloud, id);
}
