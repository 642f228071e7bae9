import { refusal } from "../../http/refusal.ts";
import type { RequestBody } from "../../http/body.ts";
import { type HttpAnswer, type HttpRequest, httpRequest } from "../../http/request.ts";
import { withRetries } from "../../http/retry.ts";
import type { TlsTrust } from "../../http/tls_pin.ts";
import { saidBy } from "./json.ts";
import type { CloudService, KeystoneSession } from "./keystone.ts";

/** A request to one of a cloud's services. */
export interface CloudRequest extends Pick<HttpRequest, "method" | "answerTimeoutMs"> {
  /** What follows the address that the catalog has for the service. */
  readonly path: string;
  readonly expected: readonly number[];
  readonly body?: RequestBody;
  readonly json?: unknown;
  /** Content-Type of the body. */
  readonly type?: string;
}

/** What requests to a cloud have in common. */
export interface CloudOptions {
  readonly trust?: TlsTrust;
  readonly signal: AbortSignal;
  /** How often a request is sent again while its service is busy. */
  readonly retries: number;
}

const makingMs = 120_000;

/** The services of a cloud, behind one login. Errors are HttpErrors; a token that has expired is renewed once. */
export class Cloud {
  #session: Promise<KeystoneSession> | undefined;

  constructor(
    readonly logIn: (signal: AbortSignal) => Promise<KeystoneSession>,
    readonly options: CloudOptions,
  ) {}

  /** The same cloud within other limits: what is cancelled is cleared away all the same. */
  within(signal: AbortSignal): Cloud {
    const cloud = new Cloud(this.logIn, { ...this.options, signal });
    cloud.#session = this.#session;
    return cloud;
  }

  /** The same cloud for what is made there: a request that is cut may be carried out when nobody looks for it any more. */
  uncut(): Cloud {
    return this.within(AbortSignal.timeout(makingMs));
  }

  /** The login, made when it is first needed. */
  async session(): Promise<KeystoneSession> {
    this.#session ??= this.logIn(this.options.signal);
    try {
      return await this.#session;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  /** Sends a request that may be sent twice, again and again while the service is busy. */
  send(service: CloudService, request: CloudRequest): Promise<HttpAnswer> {
    return withRetries(() => this.once(service, request), this.options);
  }

  /** Sends a request that must not be sent twice. */
  async once(service: CloudService, request: CloudRequest): Promise<HttpAnswer> {
    const answer = await this.#exchange(service, request);
    if (answer.status !== 401) return answer;
    // Tokens expire, and the next one is good; what is refused then is refused for good.
    this.#session = undefined;
    const second = await this.#exchange(service, request);
    if (second.status !== 401) return second;
    throw refusal(`${(await this.session()).urlOf(service)}${request.path}`, second, saidBy(second));
  }

  async #exchange(
    service: CloudService,
    { path, expected, json, type, body, ...rest }: CloudRequest,
  ): Promise<HttpAnswer> {
    const session = await this.session();
    const url = `${session.urlOf(service)}${path}`;
    const contentType = type ?? (json === undefined ? undefined : "application/json");
    const headers = {
      "x-auth-token": session.token,
      ...(contentType !== undefined && { "content-type": contentType }),
    };
    const answer = await httpRequest({
      ...{ url, headers, body: json === undefined ? body : JSON.stringify(json) },
      ...{ ...this.options, ...rest },
    });
    if (answer.status === 401 || expected.includes(answer.status)) return answer;
    throw refusal(url, answer, saidBy(answer));
  }
}
