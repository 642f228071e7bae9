import type { Settings } from "../../config/settings.ts";
import type { IsoOptions } from "../verify/verify.ts";
import { parseRate, rateLimit } from "./rate_limit.ts";

/** How downloads shall behave by pim.yml; for all downloads of a process, which share the limit of the rate. */
export function downloadOptions(
  { connections, stall_timeout, rate_limit }: Settings["iso"],
): Pick<IsoOptions, "connections" | "stallTimeoutMs" | "rateLimit"> {
  return {
    connections,
    stallTimeoutMs: stall_timeout * 1000,
    rateLimit: rate_limit === undefined ? undefined : rateLimit(parseRate(rate_limit)),
  };
}
