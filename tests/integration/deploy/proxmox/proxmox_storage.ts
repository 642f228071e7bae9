import { createHash } from "node:crypto";
import { readUpload } from "./proxmox_form.ts";
import { need, refuse, refuseUnknown } from "./proxmox_refusal.ts";
import type { Query, State } from "./proxmox_state.ts";
import { begin } from "./proxmox_tasks.ts";

const storages = ["local", "local-lvm"];

function storageOf({ rules }: State, storage = ""): { content: string } {
  if (!storages.includes(storage)) refuse(500, `storage '${storage}' does not exist`);
  return { content: storage === "local" ? rules.importContent : "images,rootdir" };
}

/** GET /nodes/{node}/storage/{storage}/status */
export function storageStatus(state: State, [storage]: readonly string[]): unknown {
  const { content } = storageOf(state, storage);
  const total = 100 * 1024 ** 3;
  return { content, total, avail: state.rules.availBytes, active: 1, enabled: 1, shared: 0, type: "dir" };
}

/** GET /nodes/{node}/storage/{storage}/content */
export function storageContent(state: State, [storage = ""]: readonly string[], query: Query): unknown {
  storageOf(state, storage);
  if (query.get("content") !== "import") return [];
  return [...state.files].filter(([volid]) => volid.startsWith(`${storage}:`))
    .map(([volid, { length }]) => ({ volid, size: length, format: "qcow2", content: "import", ctime: 0 }));
}

/** DELETE /nodes/{node}/storage/{storage}/content/{volume} */
export function deleteContent(state: State, [storage, volid = ""]: readonly string[]): unknown {
  storageOf(state, storage);
  need(state, `/storage/${storage}`, "Datastore.Allocate");
  if (!state.files.has(volid)) return refuse(500, `volume '${volid}' does not exist`);
  return begin(state, "imgdel", volid, 1, () => {
    state.files.delete(volid);
    return "OK";
  });
}

/** POST /nodes/{node}/storage/{storage}/upload */
export async function upload(
  state: State,
  [storage = ""]: readonly string[],
  _: Query,
  request: Request,
): Promise<unknown> {
  const sent = await readUpload(request).catch((error) => refuse(501, String(error.message)));
  const { content, filename, checksum, data, ...more } = sent;
  need(state, `/storage/${storage}`, "Datastore.AllocateTemplate");
  refuseUnknown(Object.keys(more).filter((key) => key !== "checksum-algorithm"));
  const known = storageOf(state, storage);
  if (content !== "import") return refuse(400, "Parameter verification failed.", { content: "not tested" });
  if (!/^[a-zA-Z0-9\-.+=_]+\.(ova|qcow2|raw|vmdk)$/.test(filename) || filename.length > 255) {
    const errors = { filename: "invalid filename or wrong extension" };
    return refuse(400, "Parameter verification failed.", errors);
  }
  if (!known.content.split(",").includes("import")) {
    return refuse(500, `storage '${storage}' does not support 'import' content`);
  }
  const stored = state.rules.damagesUploads ? data.slice(1) : data;
  return begin(state, "imgcopy", "", 1, () => {
    const found = createHash("sha256").update(stored).digest("hex");
    if (checksum !== undefined && checksum !== found) {
      return `checksum mismatch: got '${found}' != expect '${checksum}'`;
    }
    state.files.set(`${storage}:import/${filename}`, stored);
    return "OK";
  });
}
