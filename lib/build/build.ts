import { type Chain, chain } from "./chain.ts";
import type { BuildPlan } from "./plan.ts";
import { type Reuse, scriptsAfter } from "./layers/choose.ts";
import { keep } from "./layers/keep.ts";
import type { BuiltImage, Installed, Planned } from "./states.ts";
import { checkHost } from "./steps/check_host.ts";
import { createDisk } from "./steps/create_disk.ts";
import { ensureIso } from "./steps/ensure_iso.ts";
import { extractKernel } from "./steps/extract_kernel.ts";
import { finalize } from "./steps/finalize.ts";
import { flatten } from "./steps/flatten.ts";
import { install } from "./steps/install.ts";
import { inventory } from "./steps/inventory.ts";
import { powerOff } from "./steps/power_off.ts";
import { provision } from "./steps/provision.ts";
import { register } from "./steps/register.ts";
import { serveAnswers } from "./steps/serve_answers.ts";
import { startInstalled } from "./steps/start_installed.ts";
import { takeLayer } from "./steps/take_layer.ts";
import { verify } from "./steps/verify.ts";

/** The whole build, from a plan to a registered image; from the installer on, or from a layer of an earlier build. */
export function buildSteps(plan: BuildPlan, reuse?: Reuse): Chain<Planned, BuiltImage> {
  return installed(reuse)
    .step(keep(startInstalled))
    .each(scriptsAfter(plan.scripts, reuse).map((script) => keep(provision(script))))
    .step(inventory)
    .step(finalize)
    .step(powerOff)
    .step(flatten)
    .each(plan.verify ? [verify] : [])
    .step(register);
}

function installed(reuse: Reuse | undefined): Chain<Planned, Installed> {
  if (reuse !== undefined) return chain(checkHost).step(takeLayer(reuse.layer));
  return chain(checkHost)
    .step(ensureIso)
    .step(extractKernel)
    .step(createDisk)
    .step(serveAnswers)
    .step(keep(install));
}
