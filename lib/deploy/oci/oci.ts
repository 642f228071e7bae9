import { OciTarget } from "./oci_target.ts";
import { schema, type Settings } from "./settings.ts";
import type { TargetType } from "../target.ts";

/** OCI registries: an image as an artifact, or as a containerDisk for KubeVirt. */
export const oci: TargetType<Settings> = {
  type: "oci",
  brief: "an OCI registry, as an artifact or a KubeVirt containerDisk",
  schema,
  open: (settings, tools, baseDir) => new OciTarget(settings, tools, baseDir),
};
