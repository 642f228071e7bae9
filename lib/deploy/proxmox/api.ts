import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { CancelledError } from "../../errors.ts";
import { HttpError, retryAfterMs } from "../../http/error.ts";
import type { RequestBody } from "../../http/body.ts";
import { type HttpAnswer, type HttpRequest, httpRequest } from "../../http/request.ts";
import { withRetries } from "../../http/retry.ts";
import type { TlsTrust } from "../../http/tls_pin.ts";
import { DeployError } from "../deploy_error.ts";
import type { Work } from "./host.ts";

/** Where the API is, and who asks. */
export interface PveLogin {
  readonly url: string;
  readonly tokenId: string;
  readonly token: string;
  readonly trust?: TlsTrust;
  readonly signal: AbortSignal;
  /** How often it is asked again while the host is busy; 3 times unless given. */
  readonly retries?: number;
}

type Parameters = Readonly<Record<string, string>>;
type PostParameters = Readonly<Record<string, string | readonly string[]>>;

const answerSchema = v.object({
  data: v.optional(v.unknown()),
  message: v.nullish(v.string()),
  errors: v.nullish(v.record(v.string(), v.string())),
});

const taskSchema = v.object({ status: v.string(), exitstatus: v.nullish(v.string()) });
const logSchema = v.array(v.object({ n: v.number(), t: v.string() }));

/** The API of Proxmox VE (api2/json), with a token. Errors are HttpErrors that say what the host says. */
export class PveApi {
  constructor(readonly login: PveLogin) {}

  /** Asks for something; tried again while the host is busy. */
  async get<S extends v.GenericSchema>(
    path: string,
    schema: S,
    parameters: Parameters = {},
  ): Promise<v.InferOutput<S>> {
    const { signal, retries = 3 } = this.login;
    const send = () => this.#send({ method: "GET", url: withQuery(path, parameters), signal });
    return this.#understood(path, schema, await withRetries(send, { signal, retries }));
  }

  /** Has something done; never tried again, for nobody knows what came of the first try. */
  async post(path: string, parameters: PostParameters = {}): Promise<unknown> {
    // A list is a parameter that is given several times.
    const pairs = Object.entries(parameters).flatMap(([key, value]) =>
      (typeof value === "string" ? [value] : value).map((each) => [key, each])
    );
    return await this.#send({
      ...{ method: "POST", url: path, body: new URLSearchParams(pairs).toString() },
      headers: { "content-type": "application/x-www-form-urlencoded" },
      signal: this.login.signal,
    });
  }

  async delete(path: string, parameters: Parameters = {}): Promise<unknown> {
    return await this.#send({
      ...{ method: "DELETE", url: withQuery(path, parameters), signal: this.login.signal },
    });
  }

  /** Sends a form with a file in it. */
  async upload(path: string, body: RequestBody, contentType: string, signal: AbortSignal): Promise<unknown> {
    const headers = { "content-type": contentType };
    // What was sent is copied before it answers, across nodes even.
    return await this.#send({
      ...{ method: "POST", url: path, headers, body, signal, answerTimeoutMs: 10 * 60_000 },
    });
  }

  /** Waits for a task that a request has begun; throws a DeployError with the task's own words when it fails. */
  async wait(
    node: string,
    upid: unknown,
    what: string,
    { signal, progress }: Partial<Work> = {},
  ): Promise<void> {
    if (typeof upid !== "string" || !upid.startsWith("UPID:")) return;
    const path = `/nodes/${node}/tasks/${encodeURIComponent(upid)}`;
    let line = 0;
    for (let waitMs = 200;; waitMs = Math.min(1.5 * waitMs, 2_000)) {
      const { status, exitstatus } = await this.get(`${path}/status`, taskSchema);
      if (progress !== undefined) line = await this.#showProgress(path, line, progress);
      if (status === "stopped") return taskEnd(what, exitstatus ?? "");
      await sleep(waitMs, undefined, { signal: signal ?? this.login.signal }).catch(() => {
        throw new CancelledError();
      });
    }
  }

  async #showProgress(path: string, start: number, progress: Work["progress"]): Promise<number> {
    const lines = await this.get(`${path}/log`, logSchema, { start: String(start), limit: "500" });
    const percent = lines.map(({ t }) => percentOf(t)).filter((each) => each !== undefined).at(-1);
    if (percent !== undefined) progress(percent, 100);
    return lines.at(-1)?.n ?? start;
  }

  async #send(request: HttpRequest): Promise<unknown> {
    const { url, tokenId, token, trust } = this.login;
    const answer = await httpRequest({
      ...request,
      url: `${url}/api2/json${request.url}`,
      headers: { ...request.headers, authorization: `PVEAPIToken=${tokenId}=${token}` },
      ...(trust !== undefined && { trust }),
    });
    if (answer.status === 200) return readAnswer(answer).data;
    throw this.#refused(answer);
  }

  #refused(answer: HttpAnswer): Error {
    const { status, statusText, headers } = answer;
    const { message, errors } = readAnswer(answer);
    const host = new URL(this.login.url).host;
    // The reason is in the status line; since pve-http-server 5 it is in the body too.
    const said = (message ?? statusText).trim() || statusText;
    const parts = Object.entries(errors ?? {}).map(([key, text]) => `${key}: ${text.trim()}`);
    const reason = [said, ...parts].join("; ");
    if (status === 401) {
      return new DeployError(`${host} refuses the API token ${this.login.tokenId}: ${reason}`, {
        hint: `It may be wrong, expired or removed. Make it anew: pveum user token add ${
          this.login.tokenId.replace("!", " ")
        }`,
      });
    }
    const unknown = /^hostname lookup '([^']*)' failed/.exec(said)?.[1];
    if (unknown !== undefined) {
      return new HttpError(`the cluster of ${host} has no node ${unknown}`, {
        status,
        hint: "Set `node` in targets.d to one of its nodes: pim target check names them.",
      });
    }
    return new HttpError(`${host} answers ${status}: ${reason}`, {
      status,
      // 500 is how it says no; 595 and 596 are a node of the cluster that does not answer.
      retryable: [429, 502, 503, 504, 595, 596].includes(status),
      retryAfterMs: retryAfterMs(headers),
      ...(status === 403 && {
        hint:
          "Give the token's role the privilege that is missing: pim target check names all that it needs.",
      }),
    });
  }

  #understood<S extends v.GenericSchema>(path: string, schema: S, data: unknown): v.InferOutput<S> {
    const result = v.safeParse(schema, data);
    if (result.success) return result.output;
    const [issue] = result.issues;
    throw new DeployError(
      `What ${this.login.url}${path} answers is not understood: ${
        v.getDotPath(issue) ?? "it"
      }: ${issue.message}`,
      { hint: "Is this the address of Proxmox VE's API?" },
    );
  }
}

function withQuery(path: string, parameters: Parameters): string {
  const query = new URLSearchParams(parameters).toString();
  return query === "" ? path : `${path}?${query}`;
}

function readAnswer({ text }: HttpAnswer): v.InferOutput<typeof answerSchema> {
  try {
    const result = v.safeParse(answerSchema, JSON.parse(text));
    return result.success ? result.output : {};
  } catch {
    // A proxy's page, or nothing at all; the status line says enough.
    return {};
  }
}

/** The percentage in a line such as "transferred 1.0 GiB of 20.0 GiB (5.00%)". */
export function percentOf(line: string): number | undefined {
  const found = /transferred .*\((\d+(?:\.\d+)?)%\)/.exec(line)?.[1];
  return found === undefined ? undefined : Number(found);
}

function taskEnd(what: string, exitStatus: string): void {
  // Warnings are a success that has something to say.
  if (exitStatus === "OK" || /^WARNINGS: \d+$/.test(exitStatus)) return;
  throw new DeployError(`Cannot ${what}: ${exitStatus.trim() || "the task has failed"}`, {
    hint: hintOf(exitStatus),
  });
}

function hintOf(exitStatus: string): string {
  if (/No space left|out of space|not enough free space/i.test(exitStatus)) {
    return "Make room on the storage, or name another one in targets.d.";
  }
  if (/checksum mismatch/i.test(exitStatus)) {
    return "It was damaged on its way, or the image has changed since it was built. Deploy it again.";
  }
  return "The task's log in the web interface says more.";
}
