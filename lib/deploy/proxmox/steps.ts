import { messageOf } from "../../errors.ts";
import { HttpError } from "../../http/error.ts";
import { log } from "../../log.ts";
import { deploying } from "../api_failure.ts";
import { hashFile } from "../../hash.ts";
import type { Action, ActionContext, DeployImage, Ids } from "../target.ts";
import { cleanUp, type Leftovers } from "./clean_up.ts";
import type { PveHost } from "./host.ts";
import type { ProxmoxSettings } from "./settings.ts";
import { type PveMark, vmParameters } from "./vm.ts";

const undoMs = 120_000;
const maxIds = 5;

/** How a target reaches its host; each connection has a signal of its own. */
export type OpenHost = (signal: AbortSignal) => Promise<PveHost>;

/** The single actions that make a template; what they make is removed when one of them fails. */
export class TemplateSteps {
  /** What this run has made so far. */
  #made: Ids = {};

  constructor(
    readonly host: PveHost,
    readonly openHost: OpenHost,
    readonly image: DeployImage,
    readonly settings: ProxmoxSettings,
  ) {}

  clear(left: Leftovers): readonly Action[] {
    const { vmid, sources } = left;
    const what = [...(vmid === undefined ? [] : [`VM ${vmid}`]), ...sources];
    if (what.length === 0) return [];
    return [{
      phase: "upload",
      text: `clear what an interrupted deployment has left: ${what.join(", ")}`,
      run: () => deploying("clear what an interrupted deployment has left", () => cleanUp(this.host, left)),
    }];
  }

  uploadDisk(source: string): Action {
    const { path, sha256, entry } = this.image;
    const text = `upload ${Math.ceil(entry.bytes / 1024 ** 2)} MiB to ${source}`;
    return this.#guarded("upload", text, `upload ${entry.name}`, async (context) => {
      await context.made({ upload: source });
      await this.host.upload(path, baseName(source), sha256, context);
      // A deployment that is cut short from here on is gone on with from here.
      await context.made({ whole: source });
    });
  }

  uploadVars(path: string, source: string): Action {
    const what = "its UEFI variables";
    return this.#guarded("upload", `upload ${what} to ${source}`, `upload ${what}`, async (context) => {
      await context.made({ vars: source });
      await this.host.upload(
        path,
        baseName(source),
        await hashFile(path, "sha256", { signal: context.signal }),
        context,
      );
    });
  }

  create(name: string, vmid: number, sources: { disk: string; vars: string | undefined }): Action {
    const text = `create VM ${vmid} ${name} with its disk on ${this.settings.storage}`;
    return this.#guarded(
      "register",
      text,
      `create the VM ${name}`,
      (context) => this.#create(vmid, sources, context),
    );
  }

  toTemplate(): Action {
    const text = "make it a template";
    return this.#guarded("register", text, "make the VM a template", async ({ ids, made }) => {
      const vmid = this.#made.vmid ?? ids.vmid ?? "";
      await this.host.toTemplate(Number(vmid));
      await made({ finished: vmid });
    });
  }

  removeUploads(sources: readonly string[]): Action {
    return {
      phase: "register",
      text: `remove ${sources.join(" and ")}`,
      run: async ({ made }) => {
        const left: string[] = [];
        for (const source of sources) {
          try {
            await this.host.discard(source);
          } catch (error) {
            if (!(error instanceof HttpError)) throw error;
            // The template is there and whole: a file that is left over is no reason to fail.
            log.warn(`${source} could not be removed: ${error.message}`);
            left.push(source);
          }
        }
        if (left.length === 0) await made({ upload: "", vars: "", whole: "", task: "" });
      },
    };
  }

  destroy(vmid: number, mark: PveMark | undefined): Action {
    return {
      phase: "register",
      text: `destroy VM ${vmid} (${mark?.image}), whose place it takes`,
      run: () => deploying(`destroy VM ${vmid}`, () => this.host.destroy(vmid)),
    };
  }

  keep(vmid: number): Action {
    return {
      phase: "register",
      text: `write down VM ${vmid}, which is there already`,
      run: async ({ made }) => await made({ ...await this.#facts(vmid), finished: String(vmid) }),
    };
  }

  async #facts(vmid: number): Promise<Ids> {
    // With an id that is set, a later image's template may have this one's by the time that this one is removed.
    return { vmid: String(vmid), node: await this.host.node(), sha256: this.image.sha256 };
  }

  async #create(
    first: number,
    sources: { disk: string; vars: string | undefined },
    context: ActionContext,
  ): Promise<void> {
    const { bytes } = this.image.entry;
    const work = {
      signal: context.signal,
      progress: (part: number, all: number) => context.progress(part / all * bytes, bytes),
    };
    for (let vmid = first, attempt = 1;; attempt++) {
      await context.made(await this.#facts(vmid));
      try {
        const parameters = vmParameters(vmid, this.image, this.settings, sources);
        return await this.host.create(vmid, parameters, work, (task) => context.made({ task }));
      } catch (error) {
        const wasTaken = /VM \d+ already exists/.test(messageOf(error));
        if (!wasTaken || this.settings.vmid !== undefined || attempt === maxIds) throw error;
        // Somebody was faster: ids are not reserved.
        vmid = await this.host.nextId();
        log.info(`VM ${context.ids.vmid ?? first} was made by somebody else meanwhile; taking ${vmid}`);
      }
    }
  }

  #guarded(
    phase: Action["phase"],
    text: string,
    what: string,
    work: (context: ActionContext) => Promise<void>,
  ): Action {
    const run = (context: ActionContext) =>
      deploying(what, async () => {
        const made = async (more: Ids) => {
          this.#made = { ...this.#made, ...more };
          await context.made(more);
        };
        try {
          await work({ ...context, made });
        } catch (error) {
          await this.#undo();
          throw error;
        }
      });
    return { phase, text, run };
  }

  /** Removes what this run has made, over a connection of its own: the first may be cut, or cancelled. */
  async #undo(): Promise<void> {
    const { vmid, task, upload, vars } = this.#made;
    const sources = [upload, vars].filter((each) => each !== undefined);
    try {
      await using host = await this.openHost(AbortSignal.timeout(undoMs));
      await cleanUp(host, { task, vmid: vmid === undefined ? undefined : Number(vmid), sources });
    } catch (error) {
      log.warn(`What was made at ${this.settings.host} could not be removed: ${messageOf(error)}`);
    }
  }
}

function baseName(source: string): string {
  return source.split("/").at(-1) ?? source;
}
