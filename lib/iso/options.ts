import type { Config } from "../config/config.ts";
import { parseRate, rateLimit } from "./download/rate_limit.ts";
import type { IsoOptions } from "./verify/verify.ts";

/**
 * How ISOs are fetched and verified by the configuration; one value for all of a process, whose downloads share the
 * limit of the rate.
 */
export function isoOptions(config: Config): IsoOptions {
  const { connections, stall_timeout, rate_limit } = config.settings.iso;
  return {
    connections,
    stallTimeoutMs: stall_timeout * 1000,
    rateLimit: rate_limit === undefined ? undefined : rateLimit(parseRate(rate_limit)),
    keys: config,
  };
}
