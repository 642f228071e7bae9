import { SshError } from "../../ssh/errors.ts";
import type { HostTools } from "../target.ts";
import { type Connection, explainSsh, openConnection } from "./connection.ts";
import { remoteSha256 } from "./remote_commands.ts";
import type { SshSettings } from "./settings.ts";

/** The host of a target: connected when it is first needed, and again after its connection was lost. */
export class SshHost implements AsyncDisposable {
  #connection: Connection | undefined;

  constructor(readonly settings: SshSettings, readonly tools: HostTools, readonly baseDir: string) {}

  /** A connection that works. Throws SshError. */
  async connect(): Promise<Connection> {
    const { settings, tools, baseDir } = this;
    this.#connection ??= await openConnection(settings, tools, baseDir);
    return this.#connection;
  }

  /** A connection that has nothing to do with the one before. Throws SshError. */
  async reconnect(): Promise<Connection> {
    await this[Symbol.asyncDispose]();
    return await this.connect();
  }

  /** The SHA-256 of a file over there, in hexadecimal. */
  async sha256(path: string): Promise<string> {
    return await remoteSha256(await this.connect(), path, { signal: this.tools.signal });
  }

  /** Does something with the host; what SSH fails with becomes a failed deployment that says what could not be done. */
  async explained<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof SshError && error.kind === "lost") await this[Symbol.asyncDispose]();
      throw explainSsh(error, this.settings, what);
    }
  }

  /** Drops the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.[Symbol.asyncDispose]();
  }
}
