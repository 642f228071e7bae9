import type { TlsTrust } from "../../http/tls_pin.ts";
import { readCaFile } from "../ca_file.ts";
import type { HostTools, TargetType } from "../target.ts";
import type { PveHost } from "./host.ts";
import { proxmoxSchema, type ProxmoxSettings } from "./settings.ts";
import { ProxmoxTarget } from "./target.ts";

/** Templates of Proxmox VE, by its API or by `qm` over SSH. */
export const proxmox: TargetType<ProxmoxSettings> = {
  type: "proxmox",
  brief: "a template VM of Proxmox VE",
  verifies: true,
  schema: proxmoxSchema,
  open(settings, tools, baseDir) {
    const reach = settings.mode === "api" ? reachApi : reachSsh;
    return new ProxmoxTarget(settings, (signal) => reach(settings, tools, baseDir, signal), tools.signal);
  },
};

type Reach = (
  settings: ProxmoxSettings,
  tools: HostTools,
  baseDir: string,
  signal: AbortSignal,
) => Promise<PveHost>;

const reachApi: Reach = async (settings, tools, baseDir, signal) => {
  const { host, port = 8006, token_id = "", token = "" } = settings;
  const { ApiHost } = await import("./api_host.ts");
  const url = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const login = { url, tokenId: token_id, token: await tools.secret(token, baseDir), signal };
  return new ApiHost({ ...login, trust: await trustOf(settings, tools, baseDir) }, settings);
};

async function trustOf(
  { fingerprint, ca_file }: ProxmoxSettings,
  tools: HostTools,
  baseDir: string,
): Promise<TlsTrust> {
  if (fingerprint !== undefined) return { fingerprint };
  return ca_file === undefined ? {} : { ca: await readCaFile(ca_file, baseDir, tools) };
}

const reachSsh: Reach = async (settings, tools, baseDir, signal) => {
  const { openSshHost } = await import("./ssh_host.ts");
  return openSshHost(settings, await tools.secret(settings.key ?? "", baseDir), signal);
};
