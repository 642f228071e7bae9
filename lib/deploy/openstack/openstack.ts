import type { TargetType } from "../target.ts";
import { openstackSchema, type OpenstackSettings } from "./settings.ts";
import { OpenstackTarget } from "./target.ts";

/** Images of an OpenStack cloud (Keystone and Glance). */
export const openstack: TargetType<OpenstackSettings> = {
  type: "openstack",
  brief: "an image of an OpenStack cloud",
  schema: openstackSchema,
  open: (settings, tools, baseDir) => new OpenstackTarget(settings, tools, baseDir),
};
