import { join } from "node:path";
import type { DeployEvent } from "../../lib/deploy/events.ts";
import type { NamedTarget } from "../../lib/deploy/load_targets.ts";
import type { Ids } from "../../lib/deploy/target.ts";
import { putDeployment } from "../../lib/image/deployments.ts";
import type { ImageEntry } from "../../lib/image/entry.ts";
import { registryFile } from "../../lib/paths.ts";
import type { TempDir } from "../base/temp.ts";
import { type ImagePlace, imagePlace } from "./image_place.ts";

/** An {@linkcode ImagePlace} for one target, `there`, whose settings are known only when its other side runs. */
export interface DeployFixture
  extends Pick<ImagePlace, "paths" | "image" | "tools" | "deployments" | "write">, AsyncDisposable {
  readonly dir: Pick<TempDir, "path" | "write">;
  /** What the target sees of the environment. */
  readonly env: Map<string, string>;
  /** What the last deployment said. */
  readonly events: DeployEvent[];
  /** Writes targets.d and opens its target `there`. */
  target(yaml: string): Promise<NamedTarget>;
  deploy(
    target: NamedTarget,
    options?: Parameters<ImagePlace["deploy"]>[1],
  ): ReturnType<ImagePlace["deploy"]>;
  /** Writes down that the deployment was cut short when only this was made. */
  cutShort(ids: Ids): Promise<void>;
}

/** Makes a user with an image that is as large to its machine as images usually are, and has some data in it. */
export async function deployFixture(
  more: Partial<ImageEntry> & { readonly dataMiB?: number; readonly varsBytes?: number } = {},
): Promise<DeployFixture> {
  const { dataMiB = 1, varsBytes, ...entry } = more;
  const place = await imagePlace({}, {
    ...{ profile: "web", filledBytes: dataMiB * 1024 * 1024 },
    entry: { virtualBytes: 20 * 1024 ** 3, ...entry },
    ...(varsBytes !== undefined && { efiVars: varsBytes }),
  });
  const { dir: path, paths, image, tools, deployments, write } = place;
  const events: DeployEvent[] = [];
  return {
    ...{ paths, image, tools, deployments, write, events, env: place.environment },
    dir: {
      path,
      async write(name, text) {
        const file = join(path, name);
        await Deno.mkdir(join(file, ".."), { recursive: true });
        await Deno.writeTextFile(file, text);
        return file;
      },
    },
    async target(yaml) {
      await write({ "targets.d/there.yml": yaml });
      return await place.target("there");
    },
    async deploy(target, options = {}) {
      events.length = 0;
      const onEvent = (event: DeployEvent) => {
        events.push(event);
        options.onEvent?.(event);
      };
      return await place.deploy(target, { ...options, onEvent });
    },
    async cutShort(ids) {
      const [last] = await deployments();
      if (last === undefined) throw new Error("nothing was deployed");
      await putDeployment(registryFile(paths), { ...last, ids, state: "unfinished" });
    },
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

/** The actions that a target plans for the fixture's image, without doing any of them. */
export async function planned(
  { image, tools, deployments }: DeployFixture,
  target: NamedTarget,
  force = false,
): Promise<readonly string[]> {
  const ids = (await deployments()).at(-1)?.ids ?? {};
  await using opened = target.open(tools());
  return (await opened.plan(image, { force, ids })).actions.map(({ text }) => text);
}
