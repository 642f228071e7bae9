import assert from "node:assert/strict";
import { type FakePeer, type FakeServer, fakeServer } from "./fake_server.ts";

/** A request to a guest agent. */
export interface AgentRequest {
  readonly execute: string;
  readonly arguments: Record<string, unknown>;
}

/** The next request; throws when the client has gone. */
export async function next(peer: FakePeer): Promise<AgentRequest> {
  const request = await peer.request();
  if (!request) throw new Error("closed");
  return request as unknown as AgentRequest;
}

/** The sentinel byte and an answer, in one write. */
export function delimited(answer: string): Uint8Array {
  return new Uint8Array([0xff, ...new TextEncoder().encode(answer + "\n")]);
}

/** Answers the request with which a client comes in step. */
export async function synchronize(peer: FakePeer): Promise<void> {
  const request = await next(peer);
  assert.equal(request.execute, "guest-sync-delimited");
  await peer.write(delimited(`{"return": ${request.arguments.id}}`));
}

/** A server that answers each command with what `answer` returns, or not at all for undefined. */
export function agentServer(answer: (request: AgentRequest) => unknown): Promise<FakeServer> {
  return fakeServer(async (peer) => {
    for (;;) {
      const request = await next(peer);
      if (request.execute === "guest-sync-delimited") {
        await peer.write(delimited(`{"return": ${request.arguments.id}}`));
      } else {
        const result = answer(request);
        if (result !== undefined) await peer.write(JSON.stringify(result) + "\n");
      }
    }
  });
}
