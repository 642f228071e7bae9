import { Buffer } from "node:buffer";
import type { HttpError } from "../../http/error.ts";
import { pause } from "../../vm/pause.ts";
import { deploying } from "../api_failure.ts";
import { DeployError } from "../deploy_error.ts";
import type { InstancePlace } from "./instance_place.ts";
import type { Nova, Server } from "./nova.ts";
import type { InstanceSettings } from "./settings.ts";

/** A server that is to be. */
export interface NewServer {
  readonly name: string;
  /** Id of its image. */
  readonly image: string;
  /** For its cloud-init. */
  readonly userData: string;
}

/** Has a server made that carries pim's mark, waits until it is, and returns its id. */
export async function makeServer(
  nova: Nova,
  { name, image, userData }: NewServer,
  { flavor, network }: InstancePlace,
  { security_groups }: InstanceSettings,
  signal: AbortSignal,
): Promise<string> {
  const server = {
    ...{ name, imageRef: image, flavorRef: flavor.id, networks: [{ uuid: network.id }] },
    user_data: Buffer.from(userData).toString("base64"),
    // From a drive it is read in networks without a metadata service, too.
    config_drive: true,
    metadata: { pim_instance: name },
    ...(security_groups !== undefined &&
      { security_groups: security_groups.map((each) => ({ name: each })) }),
  };
  const id = await deploying(`start the server ${name}`, () => nova.create(server), refusedHint);
  await whenBuilt(nova, id, name, signal);
  return id;
}

const largerFlavor = "Set flavor in verify_instance to a larger one: openstack flavor list";

function refusedHint({ status, message }: HttpError): string | undefined {
  if (status === 413 || status === 403 && /quota/i.test(message)) {
    return "Remove servers that are not needed any more, or ask for more: openstack limits show --absolute";
  }
  if (status === 403 && /zero disk/i.test(message)) {
    return "Set flavor in verify_instance to one that has a disk: openstack flavor list";
  }
  if (status === 403) {
    return "The application credential needs a role that may make servers, such as member, and no access rules that forbid it.";
  }
  if (status === 400 && /flavor/i.test(message)) return largerFlavor;
  if (status === 400 && /not active/i.test(message)) return "Verify the deployment again in a while.";
  return undefined;
}

// A large image is first brought to the host, and some stores are slow.
const buildMinutes = 30;

async function whenBuilt(nova: Nova, id: string, name: string, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + buildMinutes * 60_000;
  for (let waitMs = 500;; waitMs = Math.min(1.5 * waitMs, 5_000)) {
    const server = await nova.find(id);
    if (server === undefined) throw new DeployError(`The server ${name} was removed while it was made`);
    if (server.status === "ERROR") throw buildError(server);
    if (server.status !== "BUILD") return;
    if (performance.now() > endMs) {
      throw new DeployError(`The cloud has not made the server ${name} within ${buildMinutes} minutes`, {
        hint: "Its hosts may be busy, or its store of images slow: ask whoever runs it.",
      });
    }
    await pause(waitMs, signal);
  }
}

function buildError({ name, fault }: Server): DeployError {
  const said = fault?.message ?? "it does not say why";
  return new DeployError(`The cloud could not make the server ${name}: ${said}`, { hint: faultHint(said) });
}

function faultHint(said: string): string {
  if (/no valid host/i.test(said)) {
    return "No host has room for this flavor, or does what the image's properties (hw_…) ask for: " +
      "set another flavor in verify_instance, or other properties in targets.d.";
  }
  if (/flavor/i.test(said)) return largerFlavor;
  return "Its log says more: ask whoever runs the cloud.";
}
