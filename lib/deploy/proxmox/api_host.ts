import * as v from "valibot";
import { messageOf } from "../../errors.ts";
import { HttpError } from "../../http/error.ts";
import { fileBody } from "../file_body.ts";
import type { TargetCheck } from "../target.ts";
import { PveApi, type PveLogin } from "./api.ts";
import { apiChecks, storageSchema } from "./api_check.ts";
import { apiGuest } from "./api_guest.ts";
import type { PveGuest } from "./guest_agent.ts";
import type { PveConfig, PveHost, PveVm, Work } from "./host.ts";
import type { ProxmoxSettings } from "./settings.ts";

const resourcesSchema = v.array(v.object({
  type: v.string(),
  vmid: v.optional(v.number()),
  name: v.optional(v.string(), ""),
}));
const configSchema = v.object({
  description: v.optional(v.string(), ""),
  template: v.optional(v.union([v.number(), v.string()]), 0),
  lock: v.optional(v.string()),
});
const statusSchema = v.object({ status: v.string() });
const contentSchema = v.array(v.object({ volid: v.string(), size: v.number() }));

/** A Proxmox VE host by its API; uploads of disks need 8.4 or later. */
export class ApiHost implements PveHost {
  readonly #api: PveApi;
  readonly #node: string;

  constructor(readonly login: PveLogin, readonly settings: ProxmoxSettings) {
    this.#api = new PveApi(login);
    this.#node = settings.node ?? "";
  }

  node(): Promise<string> {
    return Promise.resolve(this.#node);
  }

  async check(wants: { readonly verify: boolean }): Promise<readonly TargetCheck[]> {
    // Who looks wants to know how it is now.
    return await apiChecks(new PveApi({ ...this.login, retries: 0 }), this.settings, wants);
  }

  async vms(): Promise<readonly PveVm[]> {
    const found = await this.#api.get("/cluster/resources", resourcesSchema, { type: "vm" });
    return found.flatMap(({ vmid, name }) => vmid === undefined ? [] : [{ vmid, name }]);
  }

  async config(vmid: number): Promise<PveConfig | undefined> {
    try {
      const { description, template, lock } = await this.#api.get(this.#vm(vmid, "/config"), configSchema);
      return {
        description,
        template: String(template) === "1",
        begun: lock === "create" || lock === "clone",
      };
    } catch (error) {
      if (error instanceof HttpError && /does not exist/.test(error.message)) return undefined;
      throw error;
    }
  }

  async nextId(): Promise<number> {
    return Number(await this.#api.get("/cluster/nextid", v.union([v.string(), v.number()])));
  }

  async room(): Promise<{ upload?: number; disk?: number }> {
    const avail = async (storage: string) =>
      (await this.#api.get(`/nodes/${this.#node}/storage/${storage}/status`, storageSchema)).avail;
    const upload = await avail(this.settings.import_storage);
    const disk = await avail(this.settings.storage);
    return { ...(upload !== undefined && { upload }), ...(disk !== undefined && { disk }) };
  }

  sourceOf(fileName: string): string {
    return `${this.settings.import_storage}:import/${fileName}`;
  }

  async upload(path: string, fileName: string, sha256: string, { signal, progress }: Work): Promise<void> {
    const boundary = `pim-${crypto.randomUUID()}`;
    const { import_storage } = this.settings;
    const body = await fileBody(path, { signal, progress, ...formAround(boundary, fileName, sha256) });
    const type = `multipart/form-data; boundary=${boundary}`;
    const where = `/nodes/${this.#node}/storage/${import_storage}/upload`;
    const upid = await this.#api.upload(where, body, type, signal);
    await this.#api.wait(this.#node, upid, `upload ${fileName} to ${import_storage}`, { signal });
  }

  async uploaded(sources: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const path = `/nodes/${this.#node}/storage/${this.settings.import_storage}/content`;
    const found = await this.#api.get(path, contentSchema, { content: "import" });
    return new Map(
      found.filter(({ volid }) => sources.includes(volid)).map(({ volid, size }) => [volid, size]),
    );
  }

  async discard(source: string): Promise<void> {
    if (!(await this.uploaded([source])).has(source)) return;
    const path = `/nodes/${this.#node}/storage/${this.settings.import_storage}/content`;
    const upid = await this.#api.delete(`${path}/${encodeURIComponent(source)}`);
    await this.#api.wait(this.#node, upid, `remove ${source}`);
  }

  async create(
    vmid: number,
    parameters: Readonly<Record<string, string>>,
    work: Work,
    onTask: (task: string) => Promise<void>,
  ): Promise<void> {
    const upid = await this.#api.post(`/nodes/${this.#node}/qemu`, { vmid: String(vmid), ...parameters });
    if (typeof upid === "string") await onTask(upid);
    await this.#api.wait(this.#node, upid, `create the VM ${vmid}`, work);
  }

  async stopTask(task: string): Promise<void> {
    const path = `/nodes/${this.#node}/tasks/${encodeURIComponent(task)}`;
    try {
      const { status } = await this.#api.get(`${path}/status`, statusSchema);
      if (status === "stopped") return;
      await this.#api.delete(path);
      await this.#api.wait(this.#node, task, "stop the task").catch((error) => {
        // That it was stopped is its failure.
        if (error instanceof HttpError) throw error;
      });
    } catch (error) {
      // The node forgets old tasks.
      if (!(error instanceof HttpError) || !/no such task|does not exist/i.test(messageOf(error))) {
        throw error;
      }
    }
  }

  async toTemplate(vmid: number): Promise<void> {
    const upid = await this.#api.post(this.#vm(vmid, "/template"));
    await this.#api.wait(this.#node, upid, `make the VM ${vmid} a template`);
  }

  async clone(
    template: number,
    vmid: number,
    parameters: Readonly<Record<string, string>>,
  ): Promise<void> {
    const all = { newid: String(vmid), full: "0", ...parameters };
    const upid = await this.#api.post(this.#vm(template, "/clone"), all);
    await this.#api.wait(this.#node, upid, `clone the VM ${template}`);
  }

  async start(vmid: number): Promise<void> {
    const upid = await this.#api.post(this.#vm(vmid, "/status/start"));
    await this.#api.wait(this.#node, upid, `start the VM ${vmid}`);
  }

  async stop(vmid: number): Promise<void> {
    const upid = await this.#api.post(this.#vm(vmid, "/status/stop"));
    await this.#api.wait(this.#node, upid, `stop the VM ${vmid}`);
  }

  async running(vmid: number): Promise<boolean> {
    const { status } = await this.#api.get(this.#vm(vmid, "/status/current"), statusSchema);
    return status === "running";
  }

  guest(vmid: number): PveGuest {
    return apiGuest(this.#api, this.#vm(vmid));
  }

  async destroy(vmid: number): Promise<void> {
    const parameters = { purge: "1", "destroy-unreferenced-disks": "1" };
    const upid = await this.#api.delete(this.#vm(vmid), parameters);
    await this.#api.wait(this.#node, upid, `destroy the VM ${vmid}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #vm(vmid: number, rest = ""): string {
    return `/nodes/${this.#node}/qemu/${vmid}${rest}`;
  }
}

/**
 * What stands around a file in the form that uploads it. The server reads the fields in this very order, and loses the
 * beginning of a file whose part has no Content-Type (pve-http-server, file_upload_multipart).
 */
function formAround(
  boundary: string,
  fileName: string,
  sha256: string,
): { readonly before: Uint8Array; readonly after: Uint8Array } {
  const field = (name: string, value: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const file =
    `--${boundary}\r\nContent-Disposition: form-data; name="filename"; filename="${fileName}"\r\n` +
    "Content-Type: application/octet-stream\r\n\r\n";
  const fields = [
    field("content", "import"),
    field("checksum-algorithm", "sha256"),
    field("checksum", sha256),
  ];
  const encoder = new TextEncoder();
  return {
    before: encoder.encode(`${fields.join("")}${file}`),
    after: encoder.encode(`\r\n--${boundary}--\r\n`),
  };
}
