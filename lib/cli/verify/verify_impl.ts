import { messageOf } from "../../errors.ts";
import { updateRegistry } from "../../image/registry.ts";
import { log } from "../../log.ts";
import { findQemuImg } from "../../qemu/find_img.ts";
import { openScratch } from "../../verify/scratch.ts";
import { type Verification, VerificationError } from "../../verify/verification.ts";
import { verifyImage } from "../../verify/verify.ts";
import { type VmPlaces, vmPlaces } from "../../vm/places.ts";
import { findSource, type Source } from "../../vm/source.ts";
import type { PimContext } from "../context.ts";
import type { VerifyFlags } from "./verify.ts";
import { type VerifyProgress, verifyProgress } from "./progress.ts";
import { bootTimeoutMs, subjectOf } from "./subject.ts";
import { resultTable } from "./table.ts";

/** `pim verify PROFILE|IMAGE|FILE` */
export async function verify(this: PimContext, flags: VerifyFlags, what: string): Promise<void> {
  const config = await this.config();
  const places = await vmPlaces(config);
  const source = await findSource(places, what, {
    qemuImg: await findQemuImg(),
    cwd: this.cwd,
    architecture: flags.arch,
    firmware: flags.firmware,
    clone: false,
  });
  const subject = await subjectOf(config, source, flags.profile);
  const name = source.image?.name ?? source.path;
  const verification = await withProgress(this, name, async (progress) => {
    await using scratch = await openScratch(places, source.image?.name ?? source.vmName);
    return await verifyImage({ ...subject, source }, {
      places: scratch.places,
      signal: this.signal,
      bootTimeoutMs: flags.timeout === undefined ? bootTimeoutMs(config, subject) : flags.timeout * 1000,
      onStage: progress.stage,
      onCheck: progress.check,
      onLine: progress.line,
    });
  });
  await recordResult(places, source, verification);
  this.print(flags.json ? json(name, source, verification) : resultTable(verification.checks));
  if (!verification.ok) {
    const run = `pim run ${source.image?.name ?? source.path} --name look --disk snapshot --console`;
    throw new VerificationError(`The image ${name}`, verification, `Look at it: ${run}`);
  }
}

async function withProgress<T>(
  context: PimContext,
  image: string,
  work: (progress: VerifyProgress) => Promise<T>,
): Promise<T> {
  using progress = verifyProgress(context, image);
  return await work(progress);
}

/** Writes into the registry how a registered image did. */
async function recordResult(
  { images }: VmPlaces,
  { image }: Source,
  { ok }: Verification,
): Promise<void> {
  if (image === undefined) return;
  const verified = { ok, time: new Date().toISOString() };
  try {
    await updateRegistry(images.registryPath, (registry) => registry.change(image.name, { verified }));
  } catch (error) {
    log.warn(`The result could not be recorded: ${messageOf(error)}`);
  }
}

function json(name: string, source: Source, { ok, elapsedMs, checks }: Verification): string {
  return JSON.stringify({ image: name, path: source.path, ok, elapsedMs, checks }, null, 2);
}
