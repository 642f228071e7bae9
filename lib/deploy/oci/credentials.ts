import { join } from "node:path";
import * as v from "valibot";
import { UsageError } from "../../errors.ts";
import { readTextIfThere } from "../../files.ts";
import { hideSecret, log } from "../../log.ts";
import { type Environment, homeDir } from "../../paths.ts";
import { ProcessError, run } from "../../process.ts";

/** Who somebody is at a registry: a name and a password, or a token that stands for both. */
export type Credentials =
  | { readonly username: string; readonly password: string }
  | { readonly identityToken: string };

const fileSchema = v.object({
  auths: v.optional(
    v.record(
      v.string(),
      v.object({ auth: v.optional(v.string()), identitytoken: v.optional(v.string()) }),
    ),
    {},
  ),
  credHelpers: v.optional(v.record(v.string(), v.string()), {}),
  credsStore: v.optional(v.string()),
});

/** What is common to looking up credentials. */
export interface CredentialSource {
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/**
 * The credentials that `docker login`, `podman login` or a credential helper keep for a repository; undefined when
 * there are none. The files and their order are those of containers-auth.json(5), the helpers those of Docker.
 */
export async function storedCredentials(
  host: string,
  repository: string,
  source: CredentialSource,
): Promise<Credentials | undefined> {
  for (const path of authFiles(source.env)) {
    const text = await readTextIfThere(path);
    if (text === undefined) continue;
    const found = await fromFile(parse(text, path), { host, repository, path }, source);
    if (found === undefined) continue;
    log.debug(`credentials for ${host} from ${path}`);
    hideSecret("identityToken" in found ? found.identityToken : found.password);
    return found;
  }
  return undefined;
}

function authFiles(env: Environment): string[] {
  const own = env.get("REGISTRY_AUTH_FILE");
  if (own) return [own];
  const home = homeDir(env);
  const runtime = env.get("XDG_RUNTIME_DIR");
  return [
    ...(runtime ? [join(runtime, "containers", "auth.json")] : []),
    join(env.get("XDG_CONFIG_HOME") || join(home, ".config"), "containers", "auth.json"),
    join(env.get("DOCKER_CONFIG") || join(home, ".docker"), "config.json"),
  ];
}

function parse(text: string, path: string): v.InferOutput<typeof fileSchema> {
  try {
    return v.parse(fileSchema, JSON.parse(text));
  } catch (cause) {
    // The text is not shown: it holds passwords.
    throw new UsageError(`${path} holds no credentials of registries that could be read`, {
      hint: "Log in anew (podman login, docker login), or name `username` and `password` in targets.d.",
      cause: cause instanceof SyntaxError ? undefined : cause,
    });
  }
}

interface Wanted {
  readonly host: string;
  readonly repository: string;
  readonly path: string;
}

async function fromFile(
  { auths, credHelpers, credsStore }: v.InferOutput<typeof fileSchema>,
  { host, repository, path }: Wanted,
  source: CredentialSource,
): Promise<Credentials | undefined> {
  const hostKeys = keysOfHost(host);
  const helper = hostKeys.map((key) => credHelpers[key]).find((name) => name !== undefined);
  if (helper !== undefined) return await fromHelper(helper, hostKeys[0]!, source);
  // The nearest first: credentials may be for one repository, or for a folder of them.
  const parts = [host, ...repository.split("/")];
  const keys = parts.map((_, index) => parts.slice(0, parts.length - index).join("/"));
  for (const key of [...keys, ...hostKeys]) {
    const entry = auths[key];
    if (entry?.identitytoken) return { identityToken: entry.identitytoken };
    if (entry?.auth) return decode(entry.auth, key, path);
  }
  return credsStore ? await fromHelper(credsStore, hostKeys[0]!, source) : undefined;
}

/** The names that Docker has for a host in its files, its own first. */
function keysOfHost(host: string): string[] {
  if (/^(docker\.io|registry-1\.docker\.io)$/.test(host)) return ["https://index.docker.io/v1/", "docker.io"];
  return [
    host,
    `https://${host}`,
    `https://${host}/`,
    `https://${host}/v1/`,
    `https://${host}/v2/`,
    `http://${host}`,
  ];
}

function decode(auth: string, key: string, path: string): Credentials {
  let text = "";
  try {
    text = new TextDecoder().decode(Uint8Array.from(atob(auth), (char) => char.charCodeAt(0)));
  } catch {
    // Said below: it has no colon either.
  }
  const colon = text.indexOf(":");
  if (colon > 0) return { username: text.slice(0, colon), password: text.slice(colon + 1) };
  throw new UsageError(`The credentials of ${key} in ${path} cannot be read`, {
    hint: `Log in anew: podman login ${key}`,
  });
}

const answerSchema = v.object({ Username: v.string(), Secret: v.string() });
// What the usual helpers need to find their store, beside what every program sees.
const helperVariables = [
  "DBUS_SESSION_BUS_ADDRESS",
  "GNUPGHOME",
  "PASSWORD_STORE_DIR",
  "XDG_CONFIG_HOME",
  "XDG_DATA_HOME",
  "AWS_PROFILE",
  "AWS_REGION",
  "AWS_CONFIG_FILE",
  "GOOGLE_APPLICATION_CREDENTIALS",
];

/** Asks `docker-credential-NAME get`; see https://github.com/docker/docker-credential-helpers. */
async function fromHelper(
  name: string,
  host: string,
  { env, signal }: CredentialSource,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  const known = helperVariables.map((key) => [key, env.get(key)] as const);
  const extra = Object.fromEntries(known.filter((pair): pair is [string, string] => pair[1] !== undefined));
  const { code, stdout, stderr } = await run([program, "get"], {
    ...{ stdin: host, signal, env: extra },
    okStatus: [0, 1],
  });
  if (code !== 0) {
    if (/credentials not found/i.test(stdout + stderr)) return undefined;
    throw new ProcessError([program, "get"], code, stderr || stdout);
  }
  try {
    const { Username, Secret } = v.parse(answerSchema, JSON.parse(stdout));
    hideSecret(Secret);
    return Username === "<token>" ? { identityToken: Secret } : { username: Username, password: Secret };
  } catch {
    throw new UsageError(`${program} gave no credentials for ${host} that could be read`, {
      hint: `Try it by hand: echo ${host} | ${program} get`,
    });
  }
}
