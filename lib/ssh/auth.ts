// @ts-types="@types/ssh2"
import type { AnyAuthMethod, AuthHandlerMiddleware } from "ssh2";
import { UsageError } from "../errors.ts";
import { SshError } from "./errors.ts";

/** One way to log in. A password is offered by both of SSH's password methods; `agent` is the socket of an ssh-agent. */
export type SshAuth =
  | { readonly privateKey: string }
  | { readonly password: string }
  | { readonly agent: string };

/** Throws {@linkcode UsageError} when a private key cannot be read; better before anything is connected. */
export async function checkAuth(auth: readonly SshAuth[]): Promise<void> {
  const { default: ssh2 } = await import("ssh2");
  for (const one of auth) {
    const key = "privateKey" in one ? ssh2.utils.parseKey(one.privateKey) : undefined;
    if (key instanceof Error) throw new UsageError(`The SSH private key cannot be read: ${key.message}`);
  }
}

/** Ways to log in that ssh2 tries one after the other. */
export interface AuthTurns {
  readonly handler: AuthHandlerMiddleware;
  /** The types of those that were tried so far. */
  readonly tried: ReadonlySet<string>;
  /** What the server has accepted, once it has. */
  acceptedBy(): "key" | "password";
}

/** Begins with the first of these ways; those that the server does not offer are left out. */
export function takeTurns(username: string, ways: readonly SshAuth[]): AuthTurns {
  const attempts = authAttempts(username, ways);
  const tried = new Set<string>();
  let current: AnyAuthMethod | undefined;
  return {
    handler(methodsLeft, _partial, next) {
      // methodsLeft is null before the first attempt (the types do not say so).
      do current = attempts.shift(); while (
        current && methodsLeft && !methodsLeft.includes(methodOf(current))
      );
      if (current) tried.add(current.type);
      next(current ?? (false as never));
    },
    tried,
    acceptedBy: () => current !== undefined && methodOf(current) === "publickey" ? "key" : "password",
  };
}

function authAttempts(username: string, ways: readonly SshAuth[]): AnyAuthMethod[] {
  return ways.flatMap((auth): AnyAuthMethod[] => {
    if ("privateKey" in auth) return [{ type: "publickey", username, key: auth.privateKey }];
    if ("agent" in auth) return [{ type: "agent", username, agent: auth.agent }];
    const { password } = auth;
    let asked = false;
    return [{ type: "password", username, password }, {
      type: "keyboard-interactive",
      username,
      prompt(_name, _instructions, _lang, prompts, finish) {
        // A second round asks for something else, such as a new password: an empty answer ends it.
        finish(prompts.map(() => asked ? "" : password));
        if (prompts.length > 0) asked = true;
      },
    }];
  });
}

/** The name of a way to log in as servers know it. */
function methodOf({ type }: AnyAuthMethod): AnyAuthMethod["type"] {
  return type === "agent" ? "publickey" : type;
}

const methodNames: Record<string, string> = {
  publickey: "key",
  agent: "keys of the agent",
  password: "password",
  "keyboard-interactive": "keyboard-interactive",
};

/** The error for a server that has refused all that was tried. */
export function refused(where: string, tried: ReadonlySet<string>, cause: Error): SshError {
  const methods = [...tried].map((type) => methodNames[type] ?? type).join(", ");
  return new SshError(
    "auth",
    `SSH login as ${where} was refused (${
      methods === "" ? "no way to log in was given" : `tried: ${methods}`
    })`,
    { cause, hint: "Check the user name, and that the guest has this password or key for it." },
  );
}
