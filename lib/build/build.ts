import { type Chain, chain } from "./chain.ts";
import type { BuildPlan } from "./plan.ts";
import type { BuiltImage, Planned } from "./states.ts";
import { checkHost } from "./steps/check_host.ts";
import { createDisk } from "./steps/create_disk.ts";
import { ensureIso } from "./steps/ensure_iso.ts";
import { extractKernel } from "./steps/extract_kernel.ts";
import { finalize } from "./steps/finalize.ts";
import { flatten } from "./steps/flatten.ts";
import { install } from "./steps/install.ts";
import { powerOff } from "./steps/power_off.ts";
import { provision } from "./steps/provision.ts";
import { register } from "./steps/register.ts";
import { serveAnswers } from "./steps/serve_answers.ts";
import { startInstalled } from "./steps/start_installed.ts";

/** The whole build, from a plan to a registered image. */
export function buildSteps(plan: BuildPlan): Chain<Planned, BuiltImage> {
  return chain(checkHost)
    .step(ensureIso)
    .step(extractKernel)
    .step(createDisk)
    .step(serveAnswers)
    .step(install)
    .step(startInstalled)
    .each(plan.scripts.map(provision))
    .step(finalize)
    .step(powerOff)
    .step(flatten)
    .step(register);
}
