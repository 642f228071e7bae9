import { createHash } from "node:crypto";
import type { Buffer } from "node:buffer";
import { join } from "node:path";
import { type Sshd, type SshdOptions, startSshd } from "../../../ssh/sshd.ts";
import { type ImageOptions, type ImagePlace, imagePlace } from "../../../deploy/image_place.ts";

/** A pim with an image, and a host with sshd to deploy it to. */
export interface SshPlace extends ImagePlace {
  readonly sshd: Sshd;
  /** The folder that the target `lab` deploys to. */
  readonly folder: string;
  /** What lies in it, sorted. */
  files(): string[];
}

/** Settings of the target `lab`, one YAML line each, beside those that reach the host. */
export interface SshPlaceOptions extends ImageOptions {
  readonly settings?: readonly string[];
  readonly sshd?: SshdOptions;
  /** Whether only pim knows the key, so that it cannot have OpenSSH's client send the image. */
  readonly secretKey?: boolean;
  /** Another port than sshd's: that of something in between. */
  readonly port?: (sshd: Sshd) => number;
}

/** Starts sshd and makes a pim whose target `lab` leads there. */
export async function sshPlace(options: SshPlaceOptions = {}): Promise<SshPlace> {
  const sshd = await startSshd(options.sshd);
  const folder = join(sshd.folder, "srv", "images");
  const key = join(sshd.folder, "key");
  await Deno.writeTextFile(key, sshd.key.privateKey, { mode: 0o600 });
  const lines = [
    "type: ssh",
    "host: 127.0.0.1",
    `port: ${options.port?.(sshd) ?? sshd.port}`,
    `username: ${sshd.username}`,
    `key: ${options.secretKey ? `{ command: [cat, "${key}"] }` : `"file:${key}"`}`,
    `host_key: ${await hostKeyOf(sshd)}`,
    `path: ${folder}`,
    ...(options.settings ?? []),
  ];
  // A later line takes the place of an earlier one with its key.
  const entry = new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line]));
  const text = [
    "lab:",
    ...[...entry.values()].filter((line) => !line.endsWith(":")).map((line) => `  ${line}`),
  ];
  const place = await imagePlace({ "lab.yml": text.join("\n") + "\n" }, options);
  return {
    ...{ ...place, sshd, folder },
    files: () => [...Deno.readDirSync(folder)].map(({ name }) => name).sort(),
    async [Symbol.asyncDispose]() {
      await place[Symbol.asyncDispose]();
      await sshd[Symbol.asyncDispose]();
    },
  };
}

/** The fingerprint of the host key that sshd made for itself. */
export async function hostKeyOf(sshd: Sshd): Promise<string> {
  const { default: ssh2 } = await import("ssh2");
  const key = ssh2.utils.parseKey(await Deno.readTextFile(join(sshd.folder, "host_key")));
  if (key instanceof Error) throw key;
  const blob = (Array.isArray(key) ? key[0]! : key).getPublicSSH() as Buffer;
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}
