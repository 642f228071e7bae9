import { createHash, createHmac } from "node:crypto";
import { AwsFailure } from "./failure.ts";

/** A key that the stand-in knows. */
export interface AwsKey {
  readonly id: string;
  readonly secret: string;
  readonly token?: string;
}

/** A request as it came over the wire; names of headers in lower case. */
export interface WireRequest {
  readonly method: string;
  /** Path as it was sent, percent-encoded. */
  readonly path: string;
  /** Query as it was sent, without "?". */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const sha256 = (data: Uint8Array | string) => createHash("sha256").update(data).digest("hex");
const hmac = (key: Uint8Array | string, text: string) => createHmac("sha256", key).update(text).digest();

/**
 * Verifies a request by AWS Signature Version 4 as the specification writes it down (IAM User Guide, "Create a signed
 * AWS API request"; for S3 its API reference, "Authenticating Requests: Using the Authorization Header").
 */
export function verifySignature(
  request: WireRequest,
  { keys, region, service, nowMs }: {
    readonly keys: readonly AwsKey[];
    readonly region: string;
    readonly service: "s3" | "ec2";
    readonly nowMs: number;
  },
): void {
  const isS3 = service === "s3";
  const refuse = (s3: string, ec2: string, message: string): never => {
    throw new AwsFailure(isS3 ? 403 : 401, isS3 ? s3 : ec2, message);
  };
  const { headers } = request;
  const parsed =
    /^AWS4-HMAC-SHA256 Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/
      .exec(headers.authorization ?? "");
  if (parsed === null) {
    throw new AwsFailure(
      403,
      isS3 ? "AccessDenied" : "MissingAuthenticationToken",
      "the request is not signed",
    );
  }
  const [, credential = "", signedList = "", signature] = parsed;
  const [id = "", day, scopeRegion, scopeService, terminator, ...rest] = credential.split("/");
  const key = keys.find((each) => each.id === id);
  if (key === undefined) {
    throw refuse("InvalidAccessKeyId", "AuthFailure", `the key id ${id} is not in our records`);
  }
  if (scopeRegion !== region) {
    throw new AwsFailure(
      isS3 ? 400 : 401,
      isS3 ? "AuthorizationHeaderMalformed" : "AuthFailure",
      `the region '${scopeRegion}' is wrong; expecting '${region}'`,
    );
  }
  if (scopeService !== service || terminator !== "aws4_request" || rest.length > 0) {
    throw new AwsFailure(400, "AuthorizationHeaderMalformed", `the credential scope ${credential} is wrong`);
  }
  const date = headers["x-amz-date"] ?? "";
  const time = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (time === null || date.slice(0, 8) !== day) {
    throw refuse("AccessDenied", "AuthFailure", `the date ${date} is no date, or not that of the credential`);
  }
  const [year = 0, month = 1, ...others] = time.slice(1).map(Number);
  if (Math.abs(Date.UTC(year, month - 1, ...others) - nowMs) > 15 * 60_000) {
    throw refuse(
      "RequestTimeTooSkewed",
      "RequestExpired",
      "the time of the request is too far from the server's",
    );
  }
  const signed = signedList.split(";");
  checkSignedHeaders(headers, signed);
  if (headers["x-amz-security-token"] !== key.token) {
    throw new AwsFailure(
      400,
      isS3 ? "InvalidToken" : "AuthFailure",
      "the security token is not that of the key",
    );
  }
  const payload = isS3 ? payloadHash(request) : sha256(request.body);
  const expected = sign(request, signed, { date, credential, payload, secret: key.secret });
  if (expected !== signature) {
    throw refuse("SignatureDoesNotMatch", "AuthFailure", "the signature is not the one that we calculate");
  }
}

function checkSignedHeaders(headers: WireRequest["headers"], signed: readonly string[]): void {
  const must = Object.keys(headers).filter((name) =>
    name === "host" || name === "content-type" || name === "content-md5" || name.startsWith("x-amz-")
  );
  const left = must.filter((name) => !signed.includes(name));
  const isSorted = [...signed].sort().join(";") === signed.join(";");
  if (left.length === 0 && isSorted && signed.every((name) => headers[name] !== undefined)) return;
  throw new AwsFailure(403, "AccessDenied", `there were headers which were not signed: ${left.join(", ")}`);
}

/** The hash that S3 takes for that of the body; a body that is another one is refused. */
function payloadHash({ headers, body }: WireRequest): string {
  const told = headers["x-amz-content-sha256"];
  if (told === undefined) throw new AwsFailure(400, "InvalidRequest", "x-amz-content-sha256 is missing");
  if (!/^[0-9a-f]{64}$/.test(told)) {
    throw new AwsFailure(501, "NotImplemented", `a payload hash of ${told}, over plain HTTP`);
  }
  if (told !== sha256(body)) {
    throw new AwsFailure(400, "XAmzContentSHA256Mismatch", "the provided hash is not that of the body");
  }
  return told;
}

/** The signature that a request must have. */
export function sign(
  { method, path, query, headers }: WireRequest,
  signed: readonly string[],
  { date, credential, payload, secret }: {
    readonly date: string;
    readonly credential: string;
    readonly payload: string;
    readonly secret: string;
  },
): string {
  const [, day = "", region = "", service = ""] = credential.split("/");
  const pairs = query.split("&").filter((each) => each !== "").map((each) => {
    const [name = "", value = ""] = each.split("=");
    return [name, value] as const;
  });
  const ordered = pairs.toSorted(([a, x], [b, y]) => a < b ? -1 : a > b ? 1 : x < y ? -1 : 1);
  const canonical = [
    method,
    path,
    ordered.map(([name, value]) => `${name}=${value}`).join("&"),
    ...signed.map((name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}`),
    "",
    signed.join(";"),
    payload,
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
  const key = [region, service, "aws4_request"].reduce(hmac, hmac(`AWS4${secret}`, day));
  return createHmac("sha256", key).update(text).digest("hex");
}
