import { join, posix } from "node:path";
import { convertArgs, parseProgress } from "../../qemu/img_args.ts";
import { writeConverted } from "../convert.ts";
import { hashFile } from "../../hash.ts";
import { conversion } from "../formats.ts";
import type { Action, ActionContext } from "../target.ts";
import type { SshHost } from "./host.ts";
import { checksumOf, giveName, partOf, putFile, sendChecked, type SshJob, varsOf } from "./put_file.ts";
import { remoteQemuImg } from "./remote_commands.ts";

/** All that brings an image to a host, in its order. */
export function sshActions(ssh: SshHost, job: SshJob): readonly Action[] {
  const { format, compress, convert } = ssh.settings;
  const body = format === "qcow2" && compress
    ? [sendImage(ssh, job)]
    : convert === "local"
    ? [convertHere(ssh, job), sendConverted(ssh, job)]
    : [sendForConversion(ssh, job), convertThere(ssh, job)];
  const what = `deploy ${job.image.entry.name} to ${job.where}`;
  return [...body, ...sendVars(ssh, job), writeChecksum(ssh, job)].map((action) => ({
    ...action,
    run: (context) => ssh.explained(what, () => action.run(context)),
  }));
}

function sendImage(ssh: SshHost, job: SshJob): Action {
  const { image, where } = job;
  return {
    phase: "upload",
    text: `send the image to ${where}`,
    run: (context) => putFile(ssh, image.path, image.sha256, job, context),
  };
}

function converted({ workDir }: ActionContext, { path }: SshJob): string {
  return join(workDir, posix.basename(path));
}

function convertHere({ settings: { format, compress }, tools }: SshHost, job: SshJob): Action {
  const { image } = job;
  return {
    phase: "upload",
    text: `write it as ${format} to a file of this host`,
    async run(context) {
      const qemuImg = await tools.qemuImg();
      const { signal, progress } = context;
      await writeConverted(image, converted(context, job), { qemuImg, signal, progress, format, compress });
    },
  };
}

function sendConverted(ssh: SshHost, job: SshJob): Action {
  return {
    phase: "upload",
    text: `send that to ${job.where}`,
    async run(context) {
      const file = converted(context, job);
      await putFile(ssh, file, await hashFile(file, "sha256", { signal: context.signal }), job, context);
    },
  };
}

/** The name of a moment of the image that the far side is to convert. */
function sourceOf({ path }: SshJob): string {
  return `${partOf(path)}.qcow2`;
}

function sendForConversion(ssh: SshHost, job: SshJob): Action {
  const { image, path, where } = job;
  return {
    phase: "upload",
    text: `send the image to ${where}`,
    async run(context) {
      await context.made({ part: partOf(path), source: sourceOf(job) });
      await sendChecked(ssh, image.path, image.sha256, sourceOf(job), job, context);
    },
  };
}

function convertThere(ssh: SshHost, job: SshJob): Action {
  const { format, compress } = ssh.settings;
  const { path, image: { entry: { bytes } } } = job;
  return {
    phase: "upload",
    text: `write it as ${format} over there`,
    async run(context) {
      const { signal, progress } = context;
      const connection = await ssh.connect();
      const target = partOf(path);
      await connection.sftp.remove(target);
      const [, ...args] = convertArgs("qemu-img", {
        ...{ source: sourceOf(job), target, ...conversion(format, compress) },
      });
      await remoteQemuImg(connection, args, {
        signal,
        onStdout: (text) => progress((parseProgress(text) ?? 0) * bytes, bytes),
      });
      await connection.sftp.remove(sourceOf(job));
      await giveName(ssh, await ssh.sha256(target), job, context);
    },
  };
}

function sendVars(ssh: SshHost, { image: { efiVars }, path }: SshJob): Action[] {
  if (efiVars === undefined) return [];
  const target = varsOf(path);
  return [{
    phase: "upload",
    text: `send its UEFI variables to ${ssh.settings.host}:${target}`,
    async run(context) {
      await writeWhole(ssh, target, { path: efiVars });
      await context.made({ efiVars: target });
    },
  }];
}

function writeChecksum(ssh: SshHost, { path, where }: SshJob): Action {
  return {
    phase: "register",
    text: `write its checksum to ${where}.sha256`,
    run: ({ ids }) => writeWhole(ssh, checksumOf(path), `${ids.sha256}  ${posix.basename(path)}\n`),
  };
}

/** Writes a small file that readers see whole or not at all. */
async function writeWhole(
  ssh: SshHost,
  path: string,
  content: string | { readonly path: string },
): Promise<void> {
  const { sftp } = await ssh.connect();
  await sftp.write(partOf(path), content, { mode: 0o644 });
  await sftp.rename(partOf(path), path, { replace: true });
}
