import type { TargetType } from "../target.ts";
import { openstackSchema, type OpenstackSettings } from "./settings.ts";
import { OpenstackTarget } from "./target.ts";

/** Images of an OpenStack cloud (Keystone and Glance), and servers that verify them (Nova and Neutron). */
export const openstack: TargetType<OpenstackSettings> = {
  type: "openstack",
  brief: "an image of an OpenStack cloud",
  verifies: true,
  lacksForVerify: ({ verify_instance }) =>
    verify_instance === undefined ? "verify_instance: { flavor: NAME, network: NAME }" : undefined,
  schema: openstackSchema,
  open: (settings, tools, baseDir) => new OpenstackTarget(settings, tools, baseDir),
};
