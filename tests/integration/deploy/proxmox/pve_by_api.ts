import { type DeployFixture, deployFixture } from "../../../deploy/fixture.ts";
import { type Pve, startPve, tokenId } from "./proxmox_server.ts";

/** The entry of a target that leads to a stand-in. */
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

/** Starts a stand-in, works with it, and ends it. */
export async function withPve(
  work: (fixture: DeployFixture, pve: Pve) => Promise<void>,
  options: Parameters<typeof deployFixture>[0] = {},
): Promise<void> {
  await using pve = await startPve();
  await using fixture = await deployFixture(options);
  fixture.env.set("PVE_TOKEN", pve.rules.token);
  await work(fixture, pve);
}
