import type { Action } from "../target.ts";
import { type Ami, awaitAmi, letLaunch } from "./ami.ts";
import type { Cloud } from "./cloud.ts";
import type { Found, Work } from "./plan.ts";
import { removeAll } from "./remove.ts";

/** Takes an AMI that was made from this image already, and removes what a run that was cut short made beside it. */
export function take({ cloud, place }: Work, ami: Ami, found: Found): readonly Action[] {
  const { snapshot, task, uploaded, ids } = found;
  const replaced = ids.replacedSnapshots?.split(" ").filter((id) => !ami.snapshots.includes(id)).join(" ");
  const isClean = !uploaded &&
    [snapshot, task, ids.upload, replaced].every((id) => id === undefined || id === "");
  const leftovers = {
    ...place,
    ...(ids.upload !== undefined && { upload: ids.upload }),
    ...(task !== undefined && { importTask: task }),
    ...(snapshot !== undefined && { snapshot }),
    ...(replaced !== undefined && replaced !== "" && { replacedSnapshots: replaced }),
  };
  const clean: Action = {
    phase: "register",
    text: `remove what an earlier run has left in ${cloud.region}`,
    async run({ made, signal }) {
      await removeAll(cloud, leftovers, signal);
      await made({ bucket: "", key: "", upload: "", importTask: "", importToken: "", replacedSnapshots: "" });
    },
  };
  return [...(isClean ? [] : [clean]), takeUp(cloud, ami)];
}

function takeUp(cloud: Cloud, { id, snapshots: [snapshot] }: Ami): Action {
  return {
    phase: "register",
    text: `take ${id}, which was made from this image`,
    async run({ made, signal }) {
      await made({ region: cloud.region, image: id, ...(snapshot !== undefined && { snapshot }) });
      await awaitAmi(cloud, id, signal);
    },
  };
}

/** Lets other accounts launch the AMI. */
export function share(cloud: Cloud, accounts: readonly string[]): Action {
  return {
    phase: "register",
    text: `let ${accounts.join(", ")} launch it`,
    async run({ ids: { image } }) {
      if (image !== undefined) await letLaunch(cloud, image, accounts);
    },
  };
}
