import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { PimError } from "../../../lib/errors.ts";
import { downloadIso } from "../../../lib/iso/download/download.ts";
import type { IsoEntry } from "../../../lib/iso/catalog/entry.ts";
import type { IsoOptions } from "../../../lib/iso/verify/verify.ts";
import { configureLog } from "../../../lib/log.ts";
import { cutAfter, type FileServer, serveFile } from "./file_server.ts";

export const content = crypto.getRandomValues(new Uint8Array(50_000).fill(0));
export const other = content.slice().reverse();
export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
/** One connection, and short waits. */
export const fast: IsoOptions = { backoffMs: 1, stallTimeoutMs: 5_000, connections: 1 };
/** Four connections, each of which fetches 4,000 bytes at a time. */
export const parallel: IsoOptions = { ...fast, connections: 4, stretchBytes: 4_000 };

export interface Bench {
  readonly server: FileServer;
  readonly dir: string;
  readonly log: string[];
  entry(changes?: Partial<IsoEntry>): IsoEntry;
  /** Names in the ISO folder that are not hidden. */
  names(): string[];
}

export async function bench(work: (bench: Bench) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const log: string[] = [];
  configureLog({ write: (line) => log.push(line) });
  await using server = await serveFile(content);
  const entry = (changes: Partial<IsoEntry> = {}): IsoEntry => ({
    key: "test",
    name: "test",
    url: `${server.url}/a.iso`,
    checksum: { algorithm: "sha256", hash: sha256(content) },
    checksumUrl: undefined,
    mirrors: [],
    signature: undefined,
    release: undefined,
    filename: "a.iso",
    architecture: "amd64",
    ...changes,
  });
  const names = () =>
    [...Deno.readDirSync(dir)].map(({ name }) => name).filter((n) => !n.startsWith(".")).sort();
  try {
    await work({ server, dir, log, entry, names });
  } finally {
    configureLog({ write: () => {} });
    await Deno.remove(dir, { recursive: true });
  }
}

/** Leaves the first bytes of a download behind, as if pim had been ended then. */
export async function interrupted({ server, dir, entry }: Bench, bytes: number): Promise<void> {
  const { misbehave } = server;
  server.misbehave = (_request, response) => cutAfter(bytes, server, response);
  await assert.rejects(downloadIso(entry(), dir, { ...fast, retries: 0 }));
  server.misbehave = misbehave;
  server.requests.length = 0;
}

export const failsWith = (exitCode: number, pattern: RegExp): (error: unknown) => true => (error) => {
  assert.ok(error instanceof PimError, String(error));
  assert.equal(error.exitCode, exitCode, error.message);
  assert.match(error.message, pattern);
  return true;
};
