import * as v from "valibot";
import type { AgentClient } from "./agent.ts";
import type { JsonObject } from "./json_lines.ts";
import type { ExecuteOptions } from "./qmp.ts";
import { QmpProtocolError } from "./qmp_error.ts";

/** Runs a command of the guest agent and checks that its answer has this shape. */
export async function askAgent<T>(
  agent: AgentClient,
  command: string,
  args: JsonObject,
  schema: v.GenericSchema<unknown, T>,
  options?: ExecuteOptions,
): Promise<T> {
  const parsed = v.safeParse(schema, await agent.execute(command, args, options));
  if (parsed.success) return parsed.output;
  throw new QmpProtocolError(
    `The guest agent's answer to ${command} is malformed: ${v.summarize(parsed.issues)}`,
  );
}
