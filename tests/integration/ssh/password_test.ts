import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
// sshd checks passwords of system accounts only, so the far end here is ssh2's own server.
// @ts-types="@types/ssh2"
import ssh2 from "ssh2";
import { SshError } from "../../../lib/ssh/errors.ts";
import { generateKeyPair } from "../../../lib/ssh/key.ts";
import { connectSsh } from "../../../lib/ssh/session.ts";

type Method = "password" | "keyboard-interactive";

/** A server that takes this password by these methods, and answers every command with its text. */
async function startServer(
  password: string,
  methods: readonly Method[],
): Promise<AsyncDisposable & { port: number; seen: string[] }> {
  const hostKey = await generateKeyPair("host");
  const seen: string[] = [];
  const server = new ssh2.Server({ hostKeys: [hostKey.privateKey] }, (client) => {
    client.on("error", () => {});
    client.on("authentication", (context) => {
      seen.push(context.method);
      if (context.method === "password" && methods.includes("password")) {
        if (context.password === password) return context.accept();
      } else if (context.method === "keyboard-interactive" && methods.includes("keyboard-interactive")) {
        return context.prompt([{ prompt: "Password: ", echo: false }], (answers) => {
          if (answers[0] === password) context.accept();
          else context.reject([...methods]);
        });
      }
      context.reject([...methods]);
    });
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, info) => {
        const channel = acceptExec();
        channel.write(info.command);
        channel.exit(0);
        channel.end();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const login = { host: "127.0.0.1", username: "ansible", timeoutMs: 5_000 };

for (const method of ["password", "keyboard-interactive"] as const) {
  Deno.test(`a password logs in where the server takes it by ${method}`, async () => {
    await using server = await startServer("s3cret", [method]);
    const { privateKey } = await generateKeyPair("unknown there");
    const auth = [{ privateKey }, { password: "s3cret" }];
    await using session = await connectSsh({ ...login, port: server.port, auth });
    assert.equal(session.authenticatedBy, "password");
    assert.equal((await session.exec("echo hello")).stdout, "echo hello");
    assert.deepEqual(server.seen.filter((seen) => seen !== "none"), ["publickey", method]);
  });
}

Deno.test("a wrong password is refused, naming the user and what was tried, not the password", async () => {
  await using server = await startServer("s3cret", ["password", "keyboard-interactive"]);
  const auth = [{ password: "wr0ng-one" }];
  await assert.rejects(connectSsh({ ...login, port: server.port, auth }), (error: unknown) => {
    assert(error instanceof SshError);
    assert.equal(error.kind, "auth");
    assert.match(error.message, /ansible@.*refused \(tried: password, keyboard-interactive\)/);
    assert(!error.message.includes("wr0ng"));
    return true;
  });
});
