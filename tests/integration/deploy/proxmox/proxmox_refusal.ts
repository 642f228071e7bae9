import type { State } from "./proxmox_state.ts";

/** An answer that says no. */
export class Refused extends Error {
  constructor(readonly status: number, message: string, readonly errors?: Record<string, string>) {
    super(message);
  }
}

/** Answers with a status, a message and what is wrong with single parameters. */
export function refuse(status: number, message: string, errors?: Record<string, string>): never {
  throw new Refused(status, message, errors);
}

/** Refuses parameters that the method does not have. */
export function refuseUnknown(keys: readonly string[]): void {
  if (keys.length === 0) return;
  const text = "property is not defined in schema and the schema does not allow additional properties";
  refuse(400, "Parameter verification failed.", Object.fromEntries(keys.map((key) => [key, text])));
}

/** Refuses when the token lacks a privilege. */
export function need({ rules }: State, path: string, privilege: string): void {
  if (rules.lacks.includes(`${path} ${privilege}`)) {
    refuse(403, `Permission check failed (${path}, ${privilege})`);
  }
}
