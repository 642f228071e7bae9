import { buildRouteMap } from "@stricli/core";
import { debug } from "./debug.ts";
import { diff } from "./diff.ts";
import { layers, plan, prune } from "./layers.ts";
import { clean, list, show, status } from "./list.ts";
import { log } from "./log.ts";
import { run } from "./run.ts";

/** `pim build` */
export const buildRoutes = buildRouteMap({
  routes: { run, plan, list, show, diff, status, log, debug, clean, layers, prune },
  docs: { brief: "Build images and look after them" },
});
