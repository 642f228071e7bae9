import { join } from "node:path";
import { run } from "../../lib/process.ts";
import { tempDir } from "../base/temp.ts";

/** A file or a link to put into an image, in place of what is there; null only takes that away. */
export type Spoilt = Readonly<Record<string, string | { readonly link: string } | null>>;

/**
 * Copies an image of the demo to a raw one and changes files in its only file system, without mounting it. The folder of
 * a file has to be there, or is made where its own folder is.
 */
export async function spoil(image: string, target: string, files: Spoilt): Promise<void> {
  await run(["qemu-img", "convert", "-O", "raw", image, target]);
  await using temp = await tempDir();
  const work = temp.path;
  const commands: string[] = [];
  for (const [index, [path, text]] of Object.entries(files).entries()) {
    commands.push(`rm ${path}`);
    if (text === null) continue;
    commands.push(`mkdir ${join(path, "..")}`);
    if (typeof text !== "string") {
      commands.push(`symlink ${path} ${text.link}`);
      continue;
    }
    const file = join(work, String(index));
    await Deno.writeTextFile(file, text);
    // What is a private key is kept so; debugfs(8) itself takes owner and mode from the host's file.
    const mode = path.endsWith("_key") ? "0100600" : "0100644";
    const fields = [`mode ${mode}`, "uid 0", "gid 0"].map((field) => `sif ${path} ${field}`);
    commands.push(`write ${file} ${path}`, ...fields);
  }
  const list = join(work, "commands");
  await Deno.writeTextFile(list, commands.map((each) => `${each}\n`).join(""));
  // What debugfs cannot do it tells, and ends well all the same: the test sees whether it took effect.
  await run(["/usr/sbin/debugfs", "-w", "-f", list, `${target}?offset=${await partitionOffset(target)}`]);
}

/** Where the first partition begins, in bytes: at 446 of the master boot record are its entries, 8 into one the sector. */
async function partitionOffset(path: string): Promise<number> {
  using file = await Deno.open(path);
  const record = new Uint8Array(512);
  await file.read(record);
  return new DataView(record.buffer).getUint32(446 + 8, true) * 512;
}
