import type { EC2 } from "@aws-sdk/client-ec2";
import type { S3 } from "@aws-sdk/client-s3";
import { CancelledError } from "../../errors.ts";
import { log } from "../../log.ts";
import type { HostTools } from "../target.ts";
import { explainAws } from "./explain.ts";
import type { AwsSettings } from "./settings.ts";

/** Connections to one region. */
export interface Cloud extends Disposable {
  readonly region: string;
  readonly s3: S3;
  readonly ec2: EC2;
  /** Sends a request; what fails becomes a DeployError "Cannot WHAT: why". */
  ask<T>(what: string, send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>): Promise<T>;
  /** The same connections, until another signal aborts. */
  within(signal: AbortSignal): Cloud;
}

/** Opens connections to a region. The SDK is loaded here; nothing is sent yet. */
export async function openCloud(
  settings: AwsSettings,
  { tools, baseDir, region }: {
    readonly tools: HostTools;
    readonly baseDir: string;
    readonly region: string;
  },
): Promise<Cloud> {
  const [{ S3 }, { EC2 }] = await Promise.all([import("@aws-sdk/client-s3"), import("@aws-sdk/client-ec2")]);
  const common = {
    region,
    // The SDK waits longer each time, and tries again only what may go well: 5xx, throttling, broken connections.
    maxAttempts: 5,
    ...(settings.profile !== undefined && { profile: settings.profile }),
    ...await keys(settings, tools, baseDir),
  };
  const s3 = new S3({
    ...common,
    requestHandler: { connectionTimeout, socketTimeout: partTimeout },
    // Parts carry a SHA-256 of their own; the SDK's CRC32 would be computed for nothing.
    requestChecksumCalculation: "WHEN_REQUIRED",
    // Not every service answers it, and a part is small.
    expectContinueHeader: false,
    ...(settings.s3_endpoint !== undefined && { endpoint: settings.s3_endpoint, forcePathStyle: true }),
  });
  const ec2 = new EC2({
    ...common,
    requestHandler: { connectionTimeout, socketTimeout: answerTimeout },
    ...(settings.ec2_endpoint !== undefined && { endpoint: settings.ec2_endpoint }),
  });
  const within = (signal: AbortSignal): Cloud => ({
    ...{ region, s3, ec2, within },
    async ask(what, send) {
      if (signal.aborted) throw new CancelledError();
      log.debug(`AWS ${region}: ${what}`);
      try {
        return await send({ abortSignal: signal });
      } catch (cause) {
        throw explainAws(cause, what, { settings, region, signal });
      }
    },
    [Symbol.dispose]() {
      s3.destroy();
      ec2.destroy();
    },
  });
  return within(tools.signal);
}

const connectionTimeout = 10_000;
const answerTimeout = 60_000;
// The runtime's sockets count sending as silence: a part has to get through in this time, over slow lines too.
const partTimeout = 600_000;

async function keys(settings: AwsSettings, tools: HostTools, baseDir: string): Promise<object> {
  const { access_key_id, secret_access_key, session_token } = settings;
  if (access_key_id === undefined || secret_access_key === undefined) return {};
  const [accessKeyId, secretAccessKey, sessionToken] = await Promise.all(
    [access_key_id, secret_access_key, session_token].map((each) =>
      each === undefined ? undefined : tools.secret(each, baseDir)
    ),
  );
  return { credentials: { accessKeyId, secretAccessKey, sessionToken } };
}
