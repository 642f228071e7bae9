// A stand-in for the API of Proxmox VE, written from its API viewer and pve-http-server: it refuses what those refuse.
import { type Certificate, makeCertificate } from "../../../http/certificate.ts";
import { type GuestAgents, guestAgents } from "./proxmox_guest.ts";
import { refuse, Refused } from "./proxmox_refusal.ts";
import { route } from "./proxmox_routes.ts";
import { type PveRules, type StandInVm, type State, tokenId } from "./proxmox_state.ts";

/** One node, pve, with the storages local (import) and local-lvm (images). */
export interface Pve extends AsyncDisposable {
  readonly port: number;
  readonly certificate: Certificate;
  readonly vms: Map<number, StandInVm>;
  /** Uploaded files by their volume id: their content. */
  readonly files: Map<string, Uint8Array>;
  readonly requests: string[];
  readonly rules: PveRules;
  /** What answers in all VMs that run. */
  readonly agents: GuestAgents;
  /** Answers requests that match "METHOD path" with this status, this many times. */
  fault(match: RegExp, times: number, status: number): void;
}

/** Starts it with TLS on the loopback. */
export async function startPve(): Promise<Pve> {
  const certificate = await makeCertificate();
  const state: State = {
    ...{ vms: new Map(), files: new Map(), tasks: new Map(), requests: [], faults: [] },
    agents: guestAgents(),
    rules: {
      ...{
        version: "8.4.1",
        token: "5c4d1f06-0b3a-4a3c-9a57-2a3c6d1e7f00",
        tokenSays: "invalid token value!",
      },
      ...{ lacks: [], importContent: "import,iso,vztmpl", availBytes: 50 * 1024 ** 3, taskFails: {} },
      ...{ idsTakenMeanwhile: 0, createPolls: 2, clonePolls: 1, damagesUploads: false },
    },
  };
  const { cert, key } = certificate;
  const options = { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} };
  const server = Deno.serve(options, (request) => answer(state, request));
  const { vms, files, requests, rules, agents } = state;
  return {
    ...{ port: server.addr.port, certificate, vms, files, requests, rules, agents },
    fault: (match, times, status) => state.faults.push({ match, times, status }),
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await agents[Symbol.asyncDispose]();
    },
  };
}

async function answer(state: State, request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const line = `${request.method} ${pathname.replace("/api2/json", "")}`;
  state.requests.push(line);
  try {
    const fault = state.faults.find(({ match, times }) => times > 0 && match.test(line));
    if (fault !== undefined) {
      fault.times--;
      return refuse(fault.status, "the node does not answer");
    }
    if (!pathname.startsWith("/api2/json/")) return refuse(501, `no such file '${pathname}'`);
    authenticate(state, request);
    const data = await route(state, request, line, searchParams);
    return Response.json({ data });
  } catch (error) {
    // The client has gone away.
    if (!(error instanceof Refused)) return new Response(null, { status: 500 });
    await request.body?.cancel().catch(() => {});
    const { status, message, errors } = error;
    return Response.json({ data: null, message: `${message}\n`, ...(errors && { errors }) }, { status });
  }
}

function authenticate({ rules }: State, request: Request): void {
  const header = request.headers.get("authorization");
  if (header === null) return refuse(401, "No ticket");
  const [, id, secret] = /^PVEAPIToken=([^=]+)=(.+)$/.exec(header) ?? refuse(401, "No ticket");
  if (id !== tokenId) return refuse(401, "no such token");
  if (secret !== rules.token) return refuse(401, rules.tokenSays);
}
