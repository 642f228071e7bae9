import { fileURLToPath } from "node:url";
import { builtFrom } from "../built.ts";
import { readCommit } from "../commit.ts";
import { version } from "../version.ts";
import type { PimContext } from "./context.ts";
import type { JsonFlags } from "./flags.ts";

/** `pim version` */
export async function printVersion(this: PimContext, flags: JsonFlags): Promise<void> {
  const commit = builtFrom ?? await ofCheckout(this.env.get("SOURCE_DATE_EPOCH"));
  const facts = {
    version,
    commit: commit?.hash ?? null,
    changed: commit?.changed ?? null,
    date: commit?.date ?? null,
    deno: Deno.version.deno,
    target: Deno.build.target,
    binary: Deno.build.standalone,
  };
  if (flags.json) return this.print(JSON.stringify(facts, null, 2));
  const from = commit === undefined
    ? "commit unknown"
    : `commit ${commit.hash.slice(0, 12)}${commit.changed ? " with changes" : ""}, ${commit.date}`;
  this.print(`pim ${version} (${from})`);
  this.print(`${facts.binary ? "binary" : "checkout"} for ${facts.target}, Deno ${facts.deno}`);
}

/** A binary that was built without git has no commit, and no checkout around it either. */
async function ofCheckout(epoch: string | undefined) {
  if (Deno.build.standalone) return undefined;
  return await readCommit(fileURLToPath(new URL("../../", import.meta.url)), epoch);
}
