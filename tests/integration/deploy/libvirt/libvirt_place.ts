import { join } from "node:path";
import { type ImageOptions, type ImagePlace, imagePlace } from "../../../deploy/image_place.ts";
import type { Sshd } from "../../../ssh/sshd.ts";
import { type Libvirtd, startLibvirtd } from "./libvirtd.ts";

/** A pim with an image, and a libvirt to deploy it to. */
export interface LibvirtPlace extends ImagePlace {
  readonly libvirtd: Libvirtd;
  /** What lies in its pool, sorted. */
  files(): string[];
}

/** Starts libvirtd and makes a pim whose target `lab` leads there; a setting takes the place of ours. */
export async function libvirtPlace(
  settings: readonly string[],
  options: ImageOptions = {},
  uri: (libvirtd: Libvirtd) => string | Promise<string> = (libvirtd) => libvirtd.uri,
): Promise<LibvirtPlace> {
  const libvirtd = await startLibvirtd();
  const lines = ["type: libvirt", `uri: "${await uri(libvirtd)}"`, "pool: images", "memory: 64", ...settings];
  const entry = new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line]));
  const text = ["lab:", ...[...entry.values()].map((line) => `  ${line}`)].join("\n") + "\n";
  const place = await imagePlace({ "lab.yml": text }, options);
  return {
    ...{ ...place, libvirtd },
    files: () => [...Deno.readDirSync(libvirtd.pool)].map(({ name }) => name).sort(),
    async [Symbol.asyncDispose]() {
      await place[Symbol.asyncDispose]();
      await libvirtd[Symbol.asyncDispose]();
    },
  };
}

/** How a libvirt is reached through an SSH server of the test's. */
export async function uriOverSsh(libvirtd: Libvirtd, { folder, key, username, port }: Sshd): Promise<string> {
  const socket = new URL(libvirtd.uri).searchParams.get("socket");
  await Deno.writeTextFile(join(folder, "key"), key.privateKey, { mode: 0o600 });
  // libssh, since ssh itself would write into the known_hosts of who runs the tests.
  return `qemu+libssh://${username}@127.0.0.1:${port}/session?socket=${socket}` +
    `&keyfile=${folder}/key&sshauth=privkey` +
    `&known_hosts=${folder}/known_hosts&known_hosts_verify=auto`;
}
