import type { ImageEntry } from "../../image/entry.ts";
import { HttpError } from "../../http/error.ts";
import { ociNotesDir, userPaths } from "../../paths.ts";
import { DeployError } from "../deploy_error.ts";
import type {
  Action,
  ActionContext,
  DeployImage,
  DeployPlan,
  HostTools,
  Ids,
  Place,
  Presence,
  Target,
  TargetCheck,
} from "../target.ts";
import { checkRegistry } from "./check_registry.ts";
import { connect } from "./connect.ts";
import { listInIndex, readIndex } from "./image_index.ts";
import { mediaTypes } from "./manifests.ts";
import { Notes } from "./notes.ts";
import { ownTags } from "./own_tags.ts";
import { reasonOf } from "./reason.ts";
import { showReference } from "./reference.ts";
import type { RegistryClient } from "./registry_client.ts";
import { removeDeployed } from "./remove_deployed.ts";
import { Repository } from "./repository.ts";
import { type Destination, destination, sampleDestination, type Settings } from "./settings.ts";

/** A repository of an OCI registry. */
export class OciTarget implements Target {
  readonly #clients = new Map<string, Promise<RegistryClient>>();
  readonly #notes: Notes;

  constructor(readonly settings: Settings, readonly tools: HostTools, readonly baseDir: string) {
    this.#notes = new Notes(ociNotesDir(userPaths(tools.env)));
  }

  async check(): Promise<readonly TargetCheck[]> {
    const { host, repository } = sampleDestination(this.settings);
    return await checkRegistry(await this.#repository(host, repository));
  }

  async plan(image: DeployImage, { force }: { readonly force: boolean }): Promise<DeployPlan> {
    const to = destination(this.settings, image.entry);
    const where = showReference(to.reference);
    const { host, repository: name } = to.reference;
    const repository = await this.#repository(host, name);
    if (!force) {
      await asDeployError(
        `Cannot deploy ${image.entry.name} to ${where}`,
        () => ownTags(repository, to.tags, image, this.settings.index),
      );
    }
    return { where, actions: await this.#actions(image, to, repository) };
  }

  place(entry: ImageEntry): Place {
    const { reference: { host, repository }, tags } = destination(this.settings, entry);
    return {
      at: host,
      name: `${host}/${repository}:${tags.join(",")} (${this.settings.layout})`,
      movable: true,
    };
  }

  async presence(ids: Ids): Promise<Presence> {
    const { host, repository: name, digest, tags } = ids;
    if (!host || !name || !digest || !tags) return "missing";
    const repository = await this.#repository(host, name);
    return await asDeployError(`Cannot look at ${host}/${name}`, async () => {
      if (await repository.digestOf(digest) === undefined) return "missing";
      for (const tag of tags.split(" ")) {
        if (this.settings.index) {
          const listed = (await readIndex(repository, tag))?.manifests.some((each) => each.digest === digest);
          if (!listed) return "changed";
        } else if (await repository.digestOf(tag) !== digest) return "changed";
      }
      return "there";
    });
  }

  async remove({ host, repository: name, digest, tags }: Ids, kept: Ids = {}): Promise<void> {
    // Cut short before there was a manifest: what was sent belongs to nothing, and the registry forgets it.
    if (!host || !name || !digest) return;
    const repository = await this.#repository(host, name);
    const keptTags = kept.host === host && kept.repository === name ? kept.tags?.split(" ") ?? [] : [];
    const own = tags?.split(" ").filter((tag) => !keptTags.includes(tag)) ?? [];
    await asDeployError(
      `Cannot remove ${host}/${name}@${digest}`,
      () => removeDeployed(repository, digest, own),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.values()) {
      (await client.catch(() => undefined))?.[Symbol.dispose]();
    }
  }

  async #repository(host: string, name: string): Promise<Repository> {
    const key = `${host}/${name}`;
    const client = this.#clients.get(key) ??
      connect({ host, repository: name, baseDir: this.baseDir }, this.settings, this.tools);
    this.#clients.set(key, client);
    return new Repository(await client, name);
  }

  async #actions(
    image: DeployImage,
    { reference, tags }: Destination,
    repository: Repository,
  ): Promise<Action[]> {
    const { pushText, pushImage } = await import("./push_image.ts");
    const { host, repository: name } = reference;
    let content = "";
    let artifactType: string | undefined;
    const failed = `Cannot deploy ${image.entry.name} to ${showReference(reference)}`;
    const upload = async (context: ActionContext) => {
      const { signal, workDir } = context;
      await context.made({ host, repository: name });
      const push = { repository, image, notes: this.#notes, signal, progress: context.progress };
      const manifest = await pushImage(push, this.settings, workDir);
      artifactType = manifest.artifactType;
      content = JSON.stringify(manifest);
    };
    const register = (tag: string) => async ({ made, ids }: ActionContext) => {
      const { index } = this.settings;
      const digest = await repository.putManifest(index ? undefined : tag, mediaTypes.manifest, content);
      const same = ids.digest === digest && ids.repository === name && ids.host === host;
      const done = [...(same ? ids.tags?.split(" ") ?? [] : []), tag];
      await made({
        host,
        repository: name,
        digest,
        layout: this.settings.layout,
        tags: [...new Set(done)].join(" "),
      });
      if (!index) return;
      const size = new TextEncoder().encode(content).length;
      await listInIndex(repository, tag, image, {
        ...{ digest, size },
        ...(artifactType !== undefined && { artifactType }),
      });
    };
    const action = (phase: Action["phase"], text: string, run: Action["run"]): Action => ({
      ...{ phase, text },
      run: (context) => asDeployError(failed, () => run(context)),
    });
    const under = this.settings.index
      ? `list it for ${image.entry.architecture} in the index`
      : "put its manifest under";
    return [
      action("upload", await pushText(image, this.settings, `${host}/${name}`), upload),
      ...tags.map((tag) => action("register", `${under} ${host}/${name}:${tag}`, register(tag))),
    ];
  }
}

/** Errors of HTTP as errors of a deployment. */
async function asDeployError<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    throw new DeployError(`${what}: ${reasonOf(error)}`, { hint: error.hint, cause: error });
  }
}
