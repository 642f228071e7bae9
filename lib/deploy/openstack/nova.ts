import * as v from "valibot";
import { withRetries } from "../../http/retry.ts";
import type { Cloud } from "./cloud.ts";
import { parseJson } from "./json.ts";

const addressSchema = v.looseObject({
  addr: v.string(),
  version: v.number(),
  "OS-EXT-IPS:type": v.nullish(v.string()),
});

const serverSchema = v.looseObject({
  id: v.string(),
  name: v.string(),
  status: v.string(),
  metadata: v.optional(v.record(v.string(), v.string()), {}),
  addresses: v.optional(v.record(v.string(), v.array(addressSchema)), {}),
  fault: v.nullish(v.looseObject({ message: v.string() })),
});

const flavorSchema = v.looseObject({ id: v.string(), name: v.string(), disk: v.number(), ram: v.number() });

/** A server as the compute service describes it. */
export type Server = v.InferOutput<typeof serverSchema>;

/** What servers are made like: its disk in GiB, 0 for one as large as the image; its memory in MiB. */
export type Flavor = v.InferOutput<typeof flavorSchema>;

const flavorPage = 500;

/** The compute service (Compute API 2.1, without later microversions) as pim uses it. */
export class Nova {
  constructor(readonly cloud: Cloud) {}

  /** The flavors that the project may use. */
  async flavors(): Promise<readonly Flavor[]> {
    const found: Flavor[] = [];
    const schema = v.object({ flavors: v.array(flavorSchema) });
    for (;;) {
      const marker = found.at(-1)?.id;
      const query = new URLSearchParams({
        limit: String(flavorPage),
        ...(marker !== undefined && { marker }),
      });
      const path = `/flavors/detail?${query}`;
      const answer = await this.cloud.send("compute", { method: "GET", path, expected: [200] });
      const { flavors } = parseJson(schema, answer, path);
      // A cloud may have smaller pages than those that were asked for.
      if (flavors.length === 0) return found;
      found.push(...flavors);
    }
  }

  /** The project's servers with this name. */
  async named(name: string): Promise<readonly Server[]> {
    const path = `/servers/detail?${new URLSearchParams({ name })}`;
    const answer = await this.cloud.send("compute", { method: "GET", path, expected: [200] });
    const { servers } = parseJson(v.object({ servers: v.array(serverSchema) }), answer, path);
    // There it is a regular expression.
    return servers.filter((server) => server.name === name);
  }

  /** The server with this id, or undefined. */
  async find(id: string): Promise<Server | undefined> {
    const path = `/servers/${encodeURIComponent(id)}`;
    const answer = await this.cloud.send("compute", { method: "GET", path, expected: [200, 404] });
    if (answer.status === 404) return undefined;
    return parseJson(v.object({ server: serverSchema }), answer, path).server;
  }

  /** Has a server made whose name no other has, and returns its id. */
  async create(server: { readonly name: string } & Readonly<Record<string, unknown>>): Promise<string> {
    return await withRetries(async () => {
      // An earlier try of ours may have made it, and its answer was lost.
      const [made] = await this.named(server.name);
      if (made !== undefined) return made.id;
      const path = "/servers";
      const request = { method: "POST", path, expected: [202], json: { server } } as const;
      const answer = await this.cloud.uncut().once("compute", request);
      return parseJson(v.object({ server: v.object({ id: v.string() }) }), answer, path).server.id;
    }, this.cloud.options);
  }

  /** Has a server removed, which takes a while; one that is gone is no error. */
  async remove(id: string): Promise<void> {
    const path = `/servers/${encodeURIComponent(id)}`;
    await this.cloud.send("compute", { method: "DELETE", path, expected: [204, 404] });
  }
}
