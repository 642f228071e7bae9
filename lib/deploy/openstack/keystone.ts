import * as v from "valibot";
import { hideSecret } from "../../log.ts";
import { refusal } from "../../http/refusal.ts";
import { httpRequest } from "../../http/request.ts";
import { withRetries } from "../../http/retry.ts";
import type { TlsTrust } from "../../http/tls_pin.ts";
import { DeployError } from "../deploy_error.ts";
import { parseJson, saidBy } from "./json.ts";

const tokenSchema = v.object({
  token: v.object({
    expires_at: v.string(),
    project: v.object({ id: v.string(), name: v.string() }),
    catalog: v.array(v.object({
      type: v.string(),
      endpoints: v.array(v.object({
        interface: v.string(),
        region: v.nullish(v.string()),
        region_id: v.nullish(v.string()),
        url: v.string(),
      })),
    })),
  }),
});

/** A login that holds for a while. */
export interface KeystoneSession {
  readonly token: string;
  readonly expires: string;
  readonly project: { readonly id: string; readonly name: string };
  readonly region: string;
  /** Where a service answers, without a slash at the end; throws a DeployError where the catalog does not have it. */
  urlOf(service: CloudService): string;
}

/** A service, as catalogs call it. */
export type CloudService = "image" | "compute" | "network";

/** Whom to log in as. */
export interface KeystoneLogin {
  readonly authUrl: string;
  readonly credentialId: string;
  readonly secret: string;
  readonly region?: string;
  readonly interface: string;
  readonly trust?: TlsTrust;
  readonly signal: AbortSignal;
  /** How often it is tried again while the service is busy. */
  readonly retries: number;
}

/** Logs in with an application credential (Identity API v3, POST /v3/auth/tokens) and finds the image service. */
export async function logIn(login: KeystoneLogin): Promise<KeystoneSession> {
  const { credentialId, secret, trust, signal, retries } = login;
  const url = `${versioned(login.authUrl)}/auth/tokens`;
  const body = JSON.stringify({
    auth: {
      identity: {
        methods: ["application_credential"],
        application_credential: { id: credentialId, secret },
      },
    },
  });
  const answer = await withRetries(async () => {
    const headers = { "content-type": "application/json" };
    const answer = await httpRequest({ method: "POST", url, body, headers, trust, signal });
    if (answer.status === 201) return answer;
    if (answer.status === 401) {
      throw new DeployError(`${new URL(url).host} refuses the application credential ${credentialId}`, {
        hint:
          "It may be wrong, expired or removed. Make a new one: openstack application credential create pim",
      });
    }
    throw refusal(url, answer, saidBy(answer));
  }, { signal, retries });
  const token = answer.headers.get("x-subject-token");
  if (token === null) throw refusal(url, answer, "it has sent no token");
  hideSecret(token);
  const { expires_at, project, catalog } = parseJson(tokenSchema, answer, url).token;
  // Images decide which region it is, where there are several.
  const { region } = endpointOf("image", catalog, login);
  const urlOf = (service: CloudService) =>
    bareUrl(service, endpointOf(service, catalog, { ...login, region }).url);
  return { ...{ token, project, region, urlOf }, expires: expires_at };
}

/** Keystone's address with its version. */
function versioned(authUrl: string): string {
  const plain = authUrl.replace(/\/+$/, "");
  return /\/v3$/.test(plain) ? plain : `${plain}/v3`;
}

type Catalog = v.InferOutput<typeof tokenSchema>["token"]["catalog"];

function endpointOf(
  service: CloudService,
  catalog: Catalog,
  { region, interface: wanted, authUrl }: Pick<KeystoneLogin, "region" | "interface" | "authUrl">,
): { url: string; region: string } {
  const found = catalog.filter(({ type }) => type === service)
    .flatMap(({ endpoints }) => endpoints)
    .filter((each) => each.interface === wanted)
    .map(({ url, region_id, region: name }) => ({ url, region: region_id ?? name ?? "" }));
  const here = region === undefined ? found : found.filter((each) => each.region === region);
  const regions = [...new Set(found.map((each) => each.region))].join(", ");
  const [first] = here;
  if (first === undefined) {
    const where = region === undefined || found.length === 0 ? "" : ` in the region ${region}`;
    throw new DeployError(
      `The catalog of ${new URL(authUrl).host} has no ${wanted} ${service} service${where}`,
      {
        hint: found.length > 0
          ? `It has: ${regions}. Set region in targets.d.`
          : "Set interface in targets.d.",
      },
    );
  }
  if (new Set(here.map((each) => each.region)).size > 1) {
    throw new DeployError(`The catalog of ${new URL(authUrl).host} has images in several regions`, {
      hint: `Set region in targets.d to one of: ${regions}`,
    });
  }
  return first;
}

/** An address of a catalog as paths are put behind it: Nova's with its version, those of Glance and Neutron without. */
function bareUrl(service: CloudService, url: string): string {
  const plain = url.replace(/\/+$/, "");
  if (service !== "compute") return plain.replace(/\/v2(\.\d+)?$/, "");
  return /\/v2(\.\d+)?(\/|$)/.test(plain) ? plain : `${plain}/v2.1`;
}
