import { getTarget, loadTargets, wantsVerification } from "../../deploy/load_targets.ts";
import { verifyDeployment } from "../../deploy/verify.ts";
import { openRegistry } from "../../image/registry.ts";
import { registryFile } from "../../paths.ts";
import type { PimContext } from "../context.ts";
import type { VerifyDeployFlags } from "./deploy.ts";
import { deployRenderer } from "./deploy_render.ts";
import { resultTable } from "../verify/table.ts";
import { getDeployment } from "./find_deployment.ts";
import { hostTools } from "./host_tools.ts";
import { verifyingOf } from "./verifying.ts";

/** `pim deploy verify TARGET/IMAGE` */
export async function verify(this: PimContext, flags: VerifyDeployFlags, id: string): Promise<void> {
  const { paths, folders } = await this.config();
  const deployment = await getDeployment(this, id);
  const target = getTarget(deployment.target, await loadTargets(folders));
  wantsVerification(target, true);
  const entry = (await openRegistry(registryFile(paths))).get(deployment.image);
  const verifying = await verifyingOf(this, entry, flags.timeout);
  using renderer = await deployRenderer(this, flags.json);
  await verifyDeployment(deployment, target, entry, {
    ...{ paths, verifying, tools: hostTools(this) },
    onEvent: (event) => {
      renderer.show(event);
      if (event.type === "verified" && !flags.json) this.print(resultTable(event.checks));
    },
  });
}
