import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Ec2StandIn } from "./ec2.ts";
import type { Parameters } from "./ec2_parameters.ts";
import { AwsFailure, element } from "./failure.ts";
import { type Answer, S3StandIn } from "./s3.ts";
import { type AwsKey, verifySignature, type WireRequest } from "./sigv4.ts";

/** How a request is made to fail. */
export type Fault =
  | { readonly status: number; readonly code: string; readonly message?: string }
  /** The connection is cut: in the middle of the request, or when it was done and the answer is due. */
  | "cut"
  | "cut-answer"
  /** No answer ever comes. */
  | "hang";

/** A server of S3 and EC2 that is told to fail where a test wants it. */
export interface AwsStandIn extends AsyncDisposable {
  readonly url: string;
  readonly s3: S3StandIn;
  readonly ec2: Ec2StandIn;
  /** EC2 in us-east-1. */
  readonly ec2Abroad: Ec2StandIn;
  readonly key: AwsKey;
  readonly region: string;
  /** Operations that were asked for, in their order. */
  readonly seen: string[];
  /** How often an operation was asked for since `seen` was last emptied. */
  count(operation: string): number;
  /** Lets an operation fail, after it went well `after` times, `times` times (for ever unless given). */
  fail(operation: string, fault: Fault, options?: { after?: number; times?: number }): void;
  /** Lets everything go well again. */
  heal(): void;
}

interface Planned {
  readonly operation: string;
  readonly fault: Fault;
  after: number;
  times: number;
}

/** Starts one on 127.0.0.1, with a bucket "images" in eu-central-1. */
export async function awsStandIn(): Promise<AwsStandIn> {
  const s3 = new S3StandIn(["images"]);
  const regions = new Map<string, Ec2StandIn>();
  const [ec2, ec2Abroad] = [new Ec2StandIn(s3, regions), new Ec2StandIn(s3, regions)];
  const key = {
    id: "AKIAPIMTESTPIMTEST00",
    secret: "c2VjcmV0LW9mLXRoZS10ZXN0cw+/pim",
    token: "token-of-the-tests",
  };
  const region = "eu-central-1";
  regions.set(region, ec2).set("us-east-1", ec2Abroad);
  const seen: string[] = [];
  const faults: Planned[] = [];
  const faultOf = (operation: string): Fault | undefined => {
    const planned = faults.find((each) => each.operation === operation && each.times > 0);
    if (planned === undefined || planned.after-- > 0) return undefined;
    planned.times--;
    return planned.fault;
  };
  const server = createServer(async (message, response) => {
    const known = { s3, regions, key, region };
    // What is cut is cut before it is read, so that the client is in the middle of sending.
    const isPart = message.method === "PUT";
    const early = isPart ? faultOf("UploadPart") : undefined;
    if (early === "cut") {
      seen.push("UploadPart");
      message.once("data", () => message.socket.destroy());
      return;
    }
    try {
      const request = await read(message);
      const { operation, work } = open(request, known);
      seen.push(operation);
      const fault = isPart ? early : faultOf(operation);
      if (fault === "hang") return;
      if (typeof fault === "object") throw new AwsFailure(fault.status, fault.code, fault.message);
      if (fault === "cut") return void message.socket.destroy();
      const answer = work();
      if (fault === "cut-answer") return void message.socket.destroy();
      send(response, answer);
    } catch (error) {
      refuse(response, message, error);
    }
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ s3, ec2, ec2Abroad, key, region, seen },
    count: (operation) => seen.filter((each) => each === operation).length,
    fail: (operation, fault, { after = 0, times = Infinity } = {}) =>
      void faults.push({ operation, fault, after, times }),
    heal: () => void faults.splice(0),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function read(message: IncomingMessage): Promise<WireRequest> {
  const pieces: Uint8Array[] = [];
  for await (const piece of message) pieces.push(piece);
  const [path = "/", query = ""] = (message.url ?? "/").split("?");
  const headers = Object.entries(message.headers).map(([name, value]) => [name, String(value)]);
  return {
    ...{ method: message.method ?? "", path, query, headers: Object.fromEntries(headers) },
    body: new Uint8Array(Buffer.concat(pieces)),
  };
}

/** Tells what a request wants, when it is signed as it has to be. */
function open(
  request: WireRequest,
  { s3, regions, key, region: home }: Pick<AwsStandIn, "s3" | "key" | "region"> & {
    readonly regions: ReadonlyMap<string, Ec2StandIn>;
  },
): { readonly operation: string; readonly work: () => Answer } {
  const isEc2 = request.path === "/";
  const service = isEc2 ? "ec2" : "s3";
  const wanted = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const region = isEc2 && regions.has(wanted) ? wanted : home;
  verifySignature(request, { keys: [key], region, service, nowMs: Date.now() });
  if (!isEc2) {
    const operation = s3.operationOf(request);
    return { operation, work: () => s3.answer(operation, request) };
  }
  const type = request.headers["content-type"] ?? "";
  if (request.method !== "POST" || !type.startsWith("application/x-www-form-urlencoded")) {
    throw new AwsFailure(400, "InvalidRequest", `${request.method} with ${type}`);
  }
  const parameters: Parameters = Object.fromEntries(
    new URLSearchParams(new TextDecoder().decode(request.body)),
  );
  if (parameters.Version !== "2016-11-15") throw new AwsFailure(400, "NoSuchVersion");
  const operation = parameters.Action ?? "";
  return {
    operation,
    work: () => ({ status: 200, body: regions.get(region)!.answer(operation, parameters) }),
  };
}

function send(response: ServerResponse, { status, headers, body = "" }: Answer): void {
  const type = body === "" ? {} : { "content-type": "text/xml" };
  response.writeHead(status, { "x-amz-request-id": crypto.randomUUID(), ...type, ...headers });
  response.end(body);
}

function refuse(response: ServerResponse, message: IncomingMessage, error: unknown): void {
  const { status, code, message: text } = error instanceof AwsFailure
    ? error
    : new AwsFailure(500, "InternalError", `the stand-in failed: ${error}`);
  const inner = element("Error", [element("Code", code), element("Message", text)]);
  const isEc2 = message.url === "/";
  const body = isEc2
    ? element("Response", [element("Errors", [inner]), element("RequestID", crypto.randomUUID())])
    : inner;
  send(response, { status, body: message.method === "HEAD" ? "" : body });
}
