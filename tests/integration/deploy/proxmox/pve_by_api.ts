import assert from "node:assert/strict";
import { type DeployFixture, deployFixture } from "../../../deploy/fixture.ts";
import { type Pve, startPve } from "./proxmox_server.ts";
import { tokenId } from "./proxmox_state.ts";

/** A target `there` at the stand-in, with more settings in lines of their own. */
export function yaml(pve: Pve, more = "", port = pve.port): string {
  return `there:
  type: proxmox
  host: 127.0.0.1
  port: ${port}
  token_id: ${tokenId}
  token: $PVE_TOKEN
  fingerprint: "${pve.certificate.fingerprint}"
  node: pve
  storage: local-lvm
${more}`;
}

/** Starts a stand-in, and a user with an image who has its token. */
export async function withPve(
  work: (fixture: DeployFixture, pve: Pve) => Promise<void>,
  options: Parameters<typeof deployFixture>[0] = {},
): Promise<void> {
  await using pve = await startPve();
  await using fixture = await deployFixture(options);
  fixture.env.set("PVE_TOKEN", pve.rules.token);
  await work(fixture, pve);
}

/** The host as it was before anybody deployed. */
export function assertClean(pve: Pve): void {
  assert.deepEqual([...pve.vms.keys()], []);
  assert.deepEqual([...pve.files.keys()], []);
}

/** What the volume id of an upload looks like, without its ending: the source of a regular expression. */
export const source = String.raw`local:import/pim-[0-9a-f]{12}-[0-9a-f]{8}`;
