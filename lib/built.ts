import type { Commit } from "./commit.ts";

/** What this pim was built from; undefined in a checkout. `deno task compile` puts a copy with the facts into the binary. */
export const builtFrom: Commit | undefined = undefined;
