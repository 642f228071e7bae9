import { log } from "../../log.ts";
import { askGuest, guestCommands } from "../../vm/guest/raw.ts";
import { parseRawRequest } from "../../vm/guest/raw_request.ts";
import { findRunningVm } from "../../vm/vms.ts";
import type { PimContext } from "../context.ts";
import type { Ahead } from "./ahead.ts";
import { type GaFlags, rawLimits } from "./raw.ts";

/** `pim ga VM [REQUEST]` */
export async function ga(
  this: PimContext,
  { dirs, channel }: Ahead,
  flags: GaFlags,
  name = "",
  ...words: string[]
): Promise<void> {
  const request = words.length === 0 ? undefined : parseRawRequest(words);
  const vm = await findRunningVm(dirs, name);
  const options = { ...rawLimits(flags), signal: this.signal, channel };
  if (request === undefined) {
    const commands = await guestCommands(dirs, vm, options);
    const lines = commands.map((each) => `${each.name}${each.enabled ? "" : "  (refused)"}`);
    return this.print(flags.json ? JSON.stringify(commands, null, 2) : lines.join("\n"));
  }
  const answer = await askGuest(dirs, vm, request, options);
  if (answer !== undefined) this.print(JSON.stringify(answer, null, 2));
  else log.info(`The guest agent was told ${request.command}, which it does not answer`);
}
