import { lockFile } from "../files.ts";
import { type Deployment, fromDiskDeployment } from "./deployment.ts";
import type { DiskRegistry } from "./entry.ts";
import { readRegistryFile, readRegistryForUpdate, writeRegistryFile } from "./registry_file.ts";

/** The id of an image's deployment to a target. */
export function deploymentId(target: string, image: string): string {
  return `${target}/${image}`;
}

/** All deployments, the oldest first. */
export async function listDeployments(registryPath: string): Promise<readonly Deployment[]> {
  const { deployments } = await readRegistryFile(registryPath);
  return Object.entries(deployments)
    .map(([id, entry]) => fromDiskDeployment(id, entry))
    .sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
}

/** The deployment with an id, or undefined. */
export async function findDeployment(registryPath: string, id: string): Promise<Deployment | undefined> {
  return (await listDeployments(registryPath)).find((each) => each.id === id);
}

/** Writes a deployment down, in place of the one with its id. */
export async function putDeployment(registryPath: string, { id, ...entry }: Deployment): Promise<void> {
  await change(registryPath, (deployments) => ({ ...deployments, [id]: entry }));
}

/** Forgets a deployment. */
export async function forgetDeployment(registryPath: string, id: string): Promise<void> {
  await change(registryPath, ({ [id]: _, ...others }) => others);
}

type Deployments = DiskRegistry["deployments"];

async function change(
  registryPath: string,
  work: (deployments: Deployments) => Deployments,
): Promise<void> {
  await using _lock = await lockFile(`${registryPath}.lock`);
  const registry = await readRegistryForUpdate(registryPath);
  await writeRegistryFile(registryPath, { ...registry, deployments: work(registry.deployments) });
}
