import type { Agent } from "node:http";
import { readTextIfThere } from "../files.ts";
import { proxyFor } from "./proxy.ts";

/** Connections that stay open between requests; dispose of them after the last one. */
export interface HttpConnections extends Disposable {
  /** What the runtime's client takes its connections for a URL from. */
  agentFor(url: string): Promise<Agent>;
}

// Shorter than servers and proxies keep them: a connection that they have closed would fail the next request.
const idleMs = 10_000;

/**
 * Keeps connections, and makes them through the proxy of the environment where that names one.
 *
 * @param caCerts certificates in PEM that are trusted beside the usual ones
 */
export function keptConnections(caCerts: readonly string[] = []): HttpConnections {
  const agents = new Map<string, Promise<Agent>>();
  return {
    agentFor(url) {
      const { origin } = new URL(url);
      const agent = agents.get(origin) ?? newAgent(url, caCerts);
      agents.set(origin, agent);
      return agent;
    },
    [Symbol.dispose]() {
      for (const agent of agents.values()) agent.then((made) => made.destroy(), () => {});
    },
  };
}

async function newAgent(url: string, caCerts: readonly string[]): Promise<Agent> {
  const proxy = proxyFor(url);
  const options = {
    ...{ keepAlive: true, timeout: idleMs },
    ...(proxy !== undefined && { proxyEnv: { HTTP_PROXY: proxy.href, HTTPS_PROXY: proxy.href } }),
  };
  if (!url.startsWith("https:")) return new (await import("node:http")).Agent(options);
  return new (await import("node:https")).Agent({ ...options, ...await trusted(caCerts) });
}

/** The usual certificates with more of them; nothing where there are no more. */
async function trusted(caCerts: readonly string[]): Promise<{ readonly ca?: string[] }> {
  // Node's client does not look at it, as fetch does (Deno 2.9).
  const path = Deno.env.get("DENO_CERT");
  const own = path ? await readTextIfThere(path) : undefined;
  const more = [...(own === undefined ? [] : [own]), ...caCerts];
  if (more.length === 0) return {};
  const { getCACertificates } = await import("node:tls") as unknown as CertificateStore;
  return { ca: [...getCACertificates("default"), ...more] };
}

/** What the types of Deno 2.9 do not know of node:tls yet. */
interface CertificateStore {
  getCACertificates(type: "default"): string[];
}
