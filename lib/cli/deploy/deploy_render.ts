import type { DeployEvent } from "../../deploy/events.ts";
import { messageOf, type PimError } from "../../errors.ts";
import { log } from "../../log.ts";
import { describeVerification } from "../../verify/verification.ts";
import type { PimContext } from "../context.ts";
import { liveLine } from "../terminal/live_line.ts";
import { checkLine } from "../verify/table.ts";

/** Shows how deployments go; dispose of it when they are over. */
export interface DeployRenderer extends Disposable {
  readonly show: (event: DeployEvent) => void;
  fail(id: string, error: PimError): void;
}

/** Lines on stderr, one of them live on a terminal; with `json` every event as a line of JSON on stdout. */
export async function deployRenderer(context: PimContext, json: boolean): Promise<DeployRenderer> {
  if (json) {
    const print = (event: object) =>
      context.print(JSON.stringify({ time: new Date().toISOString(), ...event }));
    return {
      show: print,
      fail: (id, error) => print({ type: "failed", id, message: error.message, hint: error.hint }),
      [Symbol.dispose]() {},
    };
  }
  const { default: prettyBytes } = await import("pretty-bytes");
  const size = (bytes: number) => prettyBytes(bytes, { binary: true });
  const line = await liveLine(context);
  return {
    show(event) {
      if (event.type === "progress") {
        const percent = Math.floor(event.bytes / Math.max(1, event.totalBytes) * 100);
        line.show(`${event.id}: ${event.text}: ${percent}% of ${size(event.totalBytes)}`, percent === 100);
      } else {
        line.clear();
        const text = textOf(event);
        if (text !== undefined) log.info(text);
      }
    },
    fail(id, error) {
      line.clear();
      warnOfFailure(id, error);
    },
    [Symbol.dispose]: () => line[Symbol.dispose](),
  };
}

/** Tells why one of several deployments failed, and what to do about it. */
export function warnOfFailure(id: string, error: PimError): void {
  log.warn(`${id}: ${messageOf(error)}${error.hint === undefined ? "" : `\nhint: ${error.hint}`}`);
}

function textOf(event: Exclude<DeployEvent, { type: "progress" }>): string | undefined {
  switch (event.type) {
    case "waiting":
      return `${event.id}: another pim deploys it; waiting for that`;
    case "already":
      return `${event.id}: it is there already`;
    case "action-started":
    case "verifying":
      return `${event.id}: ${event.text}`;
    case "check":
      return checkLine(event.check);
    case "script-output":
      return `  | ${event.line}`;
    case "verified":
      return event.ok ? `${event.id}: ${describeVerification(event)}` : undefined;
    case "planned":
    case "action-finished":
    case "deployed":
      return undefined;
  }
}
