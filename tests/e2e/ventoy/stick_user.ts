import { join } from "node:path";
import { formatChecksum, hashFile } from "../../../lib/iso/verify/checksum.ts";
import { run } from "../../../lib/process.ts";
import { newUser, type User } from "../../cli/pim.ts";
import { type LoopDisk, loopDisk } from "./loop_disk.ts";
import { sampleRelease } from "../../ventoy/sample_release.ts";

/** A user with ISOs, profiles and a Ventoy that can be downloaded. */
export interface StickUser extends User {
  /** Makes an ISO of the catalog from these bytes, and returns its path. */
  addIso(key: string, content: Uint8Array<ArrayBuffer>): Promise<string>;
  /** A disk that has Ventoy on it. */
  stick(sizeMiB: number): Promise<LoopDisk>;
  /** Does something with the files of a stick, which is mounted for so long. */
  within<T>(stick: LoopDisk, work: (folder: string) => Promise<T>): Promise<T>;
}

/** Content that differs from place to place and from seed to seed. */
export function bytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 9) * 7 + seed) & 0xff);
}

const profiles = {
  "config/pim/profiles.d/web.ts":
    'export default { iso: "deb", installer: "debian", password: "geheim99" };\n',
  "config/pim/profiles.d/db.ts": 'export default { iso: "deb", installer: "debian" };\n',
  "config/pim/profiles.d/none.ts": "export default {};\n",
};

/** Makes the user; ventoy is downloaded when the first stick is made. */
export async function stickUser(): Promise<StickUser> {
  const release = await sampleRelease();
  const user = await newUser({ ...profiles, "config/pim/pim.yml": release.settings });
  return {
    ...user,
    async addIso(key, content) {
      const path = join(user.path, "data", `${key}.iso`);
      await user.write(`data/${key}.iso`, "");
      await Deno.writeFile(path, content);
      const checksum = formatChecksum({ algorithm: "sha256", hash: await hashFile(path, "sha256") });
      const entry =
        `${key}: { name: "ISO ${key}", url: "${path}", architecture: amd64, checksum: "${checksum}" }\n`;
      await user.write(`config/pim/isos.d/${key}.yml`, entry);
      return path;
    },
    async stick(sizeMiB) {
      const disk = await loopDisk(sizeMiB);
      const { code, stderr } = await user.pim("ventoy", "prepare", disk.path, "--allow-fixed", "--yes");
      if (code !== 0) throw new Error(stderr);
      return disk;
    },
    async within(stick, work) {
      const folder = join(user.path, "mounted");
      await Deno.mkdir(folder, { recursive: true });
      await run(["mount.exfat-fuse", stick.partition(1), folder]);
      try {
        return await work(folder);
      } finally {
        await run(["umount", folder]);
      }
    },
    async [Symbol.asyncDispose]() {
      await release[Symbol.asyncDispose]();
      await user[Symbol.asyncDispose]();
    },
  };
}
