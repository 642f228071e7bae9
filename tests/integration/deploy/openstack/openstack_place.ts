import { type DeployFixture, deployFixture } from "../../../deploy/fixture.ts";
import { type Cloud, credentialId, startCloud } from "./openstack_server.ts";

/** The entry of a target `there` that is a cloud of the stand-in's; `more` has further lines of it. */
export const yaml = (port: number, more = ""): string =>
  `there:
  type: openstack
  auth_url: https://127.0.0.1:${port}/identity
  application_credential_id: ${credentialId}
  application_credential_secret: $CLOUD_SECRET
  ca_file: ca.pem
${more}`;

/** A user with an image, and a cloud that lets the user in. */
export async function withCloud(
  work: (fixture: DeployFixture, cloud: Cloud) => Promise<void>,
  options: Parameters<typeof deployFixture>[0] = {},
): Promise<void> {
  await using cloud = await startCloud();
  await using fixture = await userOf(cloud, options);
  await work(fixture, cloud);
}

/** A user with an image whom a cloud lets in. */
export async function userOf(
  cloud: Cloud,
  options: Parameters<typeof deployFixture>[0] = {},
): Promise<DeployFixture> {
  const fixture = await deployFixture(options);
  fixture.env.set("CLOUD_SECRET", cloud.rules.secret);
  await fixture.write({ "targets.d/ca.pem": cloud.certificate.ca });
  return fixture;
}
