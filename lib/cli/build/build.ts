import { buildRouteMap } from "@stricli/core";
import { debug } from "./build_debug.ts";
import { diff } from "./build_diff.ts";
import { layers, plan, prune } from "./build_layers.ts";
import { clean, list, show, status } from "./build_list.ts";
import { log } from "./build_log.ts";
import { run } from "./build_run.ts";

/** `pim build` */
export const buildRoutes = buildRouteMap({
  routes: { run, plan, list, show, diff, status, log, debug, clean, layers, prune },
  docs: { brief: "Build images and look after them" },
});
