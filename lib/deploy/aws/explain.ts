import { CancelledError, messageOf, PimError } from "../../errors.ts";
import { DeployError } from "../deploy_error.ts";
import { type Explanation, instanceFailures } from "./instance_failures.ts";
import type { AwsSettings } from "./settings.ts";

/** What an explanation of a failure may name. */
export interface Circumstances {
  readonly settings: AwsSettings;
  readonly region: string;
  readonly signal: AbortSignal;
}

/** The name of an error as AWS sends it ("NoSuchUpload"), of a broken connection ("ECONNRESET"), or of the SDK's own. */
function awsErrorCode(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const { Code, code, $metadata } = error as {
    Code?: unknown;
    code?: unknown;
    $metadata?: { httpStatusCode?: number };
  };
  const own = [Code, code].find((each) => typeof each === "string");
  if (typeof own === "string") return own;
  // An answer to HEAD has no body that could name the error.
  if (/^(unknown|unknownerror|error)$/i.test(error.name)) {
    return String($metadata?.httpStatusCode ?? error.name);
  }
  return error.name;
}

/** Whether a failure that {@linkcode explainAws} has explained, or AWS has sent, has one of these codes. */
export function isAwsError(error: unknown, ...codes: readonly string[]): boolean {
  const raw = error instanceof DeployError ? error.cause : error;
  return codes.includes(awsErrorCode(raw));
}

/** Whether AWS has said no to the one request that was sent, so that nothing can have come of it. */
export function wasRefused(error: unknown): boolean {
  const raw = (error instanceof DeployError ? error.cause : error) as {
    readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
  };
  const { httpStatusCode = 0, attempts } = raw?.$metadata ?? {};
  return httpStatusCode >= 400 && httpStatusCode < 500 && attempts === 1;
}

/** Turns what the SDK throws into plain words. */
export function explainAws(error: unknown, what: string, circumstances: Circumstances): Error {
  if (circumstances.signal.aborted) return new CancelledError();
  if (error instanceof PimError) return error;
  const code = awsErrorCode(error);
  const [, why, hint] = explanations.find(([codes]) => codes.includes(code)) ?? [];
  const fill = (text: string) => fillIn(text, plain(error, code), circumstances);
  return new DeployError(`Cannot ${what}: ${fill(why ?? "{message}")}`, {
    cause: error,
    ...(hint !== undefined && { hint: fill(hint) }),
  });
}

const again = "the same command then goes on from where it was";
const permission =
  "Give the user or role the permissions that docs/targets.md lists for the type aws, or use another `profile`.";

/** Codes of S3, EC2 and the SDK, what they mean, and what to do. */
const explanations: readonly Explanation[] = [
  [
    ["SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthFailure", "InvalidClientTokenId"],
    "AWS does not accept the credentials",
    "Check {credentials}, and that they belong to the account of the bucket.",
  ],
  [
    ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"],
    "the credentials have expired",
    `Get new ones ({login}); ${again}.`,
  ],
  [
    ["CredentialsProviderError", "TokenProviderError"],
    "there are no credentials that can be used: {message}",
    "{otherwise}.",
  ],
  [
    ["InvalidAMIName.Duplicate"],
    "the name was taken while pim was at work ({message})",
    "Set another `name` in targets.d, or remove that AMI; `pim deploy remove` clears what was made so far.",
  ],
  [
    ["RequestTimeTooSkewed"],
    "the clock of this host is wrong",
    "Set it: timedatectl set-ntp true",
  ],
  ...instanceFailures,
  [["AccessDenied", "UnauthorizedOperation"], "{message}", permission],
  [["Forbidden", "403"], "access is denied", permission],
  [
    ["NoSuchBucket"],
    "there is no bucket {bucket}",
    "Make it: aws s3 mb s3://{bucket} --region {region}; or set another `bucket` in targets.d.",
  ],
  [
    ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"],
    "the bucket {bucket} is not in {region}",
    "Set the `region` of the bucket in targets.d, or a `bucket` in {region}: an import reads only its own region.",
  ],
  [
    ["QuotaExceeded", "InsufficientCapacity", "XMinioStorageFull", "EntityTooLarge"],
    "there is no room for it in the bucket {bucket} ({message})",
    `Make room or raise the quota; ${again}.`,
  ],
  [
    [
      "SnapshotLimitExceeded",
      "ResourceLimitExceeded",
      "ResourceCountLimitExceeded",
      "ConcurrentSnapshotLimitExceeded",
    ],
    "the account's limit in {region} is reached ({message})",
    `Remove snapshots or wait for other imports, or ask AWS for more (Service Quotas); ${again}.`,
  ],
  [
    ["RequestLimitExceeded", "Throttling", "ThrottlingException", "SlowDown", "TooManyRequestsException"],
    "AWS asks to slow down, five times in a row",
    `Wait some minutes; ${again}.`,
  ],
  [
    ["BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "InvalidDigest"],
    "what has arrived is not what was sent: its checksum differs",
    `Check the memory and the network of this host; ${again}.`,
  ],
  [
    [
      "ECONNREFUSED",
      "ECONNRESET",
      "EPIPE",
      "ECONNABORTED",
      "EHOSTUNREACH",
      "ENETUNREACH",
      "ETIMEDOUT",
      "TimeoutError",
    ],
    "the connection failed ({message})",
    `Check the network; ${again}.`,
  ],
  [
    ["ENOTFOUND", "EAI_AGAIN"],
    "the host name cannot be resolved ({message})",
    "Check the network, `region` and the endpoints in targets.d.",
  ],
];

function plain(error: unknown, code: string): string {
  // What only an administrator can decode is a page long.
  const message = messageOf(error).replace(/\.? Encoded authorization failure message: .*$/s, "").trim()
    .replace(/\.$/, "");
  if (message === "" || message === code || /^unknown/i.test(message)) return `AWS answered ${code}`;
  return message;
}

function fillIn(text: string, message: string, { settings, region }: Circumstances): string {
  const { profile, bucket, access_key_id, session_token, verify_instance } = settings;
  const keys = session_token === undefined
    ? "access_key_id and secret_access_key"
    : "access_key_id, secret_access_key and session_token";
  const values: Readonly<Record<string, string>> = {
    ...{ message, bucket, region, subnet: verify_instance?.subnet ?? "" },
    group: verify_instance?.security_group ?? "",
    credentials: access_key_id !== undefined
      ? `${keys} in targets.d`
      : profile !== undefined
      ? `the profile ${profile} in ~/.aws`
      : "the credentials in the environment or in ~/.aws",
    otherwise: profile === undefined
      ? "Set `profile` in targets.d, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or aws sso login"
      : `Look whether ~/.aws has the profile ${profile} (aws configure list-profiles), and log in: aws sso login --profile ${profile}`,
    login: access_key_id !== undefined
      ? `for ${keys}`
      : profile === undefined
      ? "aws sso login"
      : `aws sso login --profile ${profile}`,
  };
  return text.replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
