import { scriptEnvironment } from "../build/guest/script.ts";
import type { Config } from "../config/config.ts";
import { HostError, messageOf } from "../errors.ts";
import { updateRegistry } from "../image/registry.ts";
import { hideSecret, log } from "../log.ts";
import { which } from "../process.ts";
import { findProfile, loadProfile } from "../profile/load.ts";
import { type ResolvedProfile, resolveProfile } from "../profile/resolved.ts";
import { installHint } from "../qemu/install_hint.ts";
import { openScratch } from "../verify/scratch.ts";
import { findVerificationScript, type Subject } from "../verify/subject.ts";
import { type Check, type Verification, VerificationError } from "../verify/verification.ts";
import { verifyImage } from "../verify/verify.ts";
import { type VmPlaces, vmPlaces } from "../vm/places.ts";
import { findSource, type Source } from "../vm/source.ts";
import type { PimContext } from "./context.ts";
import { table } from "./table.ts";
import type { VerifyFlags } from "./verify.ts";
import { type VerifyProgress, verifyProgress } from "./verify_progress.ts";

/** `pim verify PROFILE|IMAGE|FILE` */
export async function verify(this: PimContext, flags: VerifyFlags, what: string): Promise<void> {
  const config = await this.config();
  const places = await vmPlaces(config);
  const subject = await subjectOf(this, config, places, flags, what);
  const { source, profile } = subject;
  const name = source.image?.name ?? source.path;
  const { timeout } = config.settings.build.ssh;
  const timeoutMinutes = typeof profile === "string" ? timeout / 60 : profile.build.sshTimeoutMinutes;
  const verification = await withProgress(this, name, async (progress) => {
    await using scratch = await openScratch(places, source.image?.name ?? source.vmName);
    return await verifyImage(subject, {
      places: scratch.places,
      signal: this.signal,
      bootTimeoutMs: flags.timeout === undefined ? timeoutMinutes * 60_000 : flags.timeout * 1000,
      onStage: progress.stage,
      onCheck: progress.check,
      onLine: progress.line,
    });
  });
  await recordResult(places, source, verification);
  this.print(flags.json ? json(name, source, verification) : resultTable(verification.checks));
  if (!verification.ok) {
    const run = `pim run ${source.image?.name ?? source.path} --name look --disk snapshot --console`;
    throw new VerificationError(name, verification, `Look at it: ${run}`);
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

async function subjectOf(
  { cwd }: PimContext,
  config: Config,
  places: VmPlaces,
  flags: VerifyFlags,
  what: string,
): Promise<Subject> {
  const source = await findSource(places, what, {
    qemuImg: await findQemuImg(),
    cwd,
    architecture: flags.arch,
    firmware: flags.firmware,
    clone: false,
  });
  const profile = await profileOf(config, source, flags.profile);
  const { memory, cpus } = config.settings.build;
  const known = typeof profile === "string" ? undefined : profile;
  const script = known && await findVerificationScript(config.folders, known.name);
  hideSecret(known?.password);
  return {
    source,
    memoryMiB: known?.build.memoryMiB ?? memory,
    cpus: known?.build.cpus ?? cpus,
    guestSshPort: source.image?.sshPort ?? 22,
    profile,
    ...(known !== undefined && script !== undefined && {
      script: { ...script, env: scriptEnvironment(known, source.architecture) },
    }),
  };
}

/** The profile that an image is measured by, or why there is none. */
async function profileOf(
  { folders, settings }: Config,
  { image, architecture }: Source,
  wanted: string | undefined,
): Promise<ResolvedProfile | string> {
  const name = wanted ?? image?.profile;
  if (name === undefined) return "no profile is known of the file (name one: --profile)";
  if (wanted === undefined && await findProfile(folders, name) === undefined) {
    return `there is no profile ${name} any more`;
  }
  const { value } = await loadProfile(folders, name);
  const { memory, cpus, ssh } = settings.build;
  const defaults = { memoryMiB: memory, cpus, sshTimeoutMinutes: ssh.timeout / 60 };
  return resolveProfile(name, { ...value, build: { ...defaults, ...value.build } }, architecture);
}

async function findQemuImg(): Promise<string> {
  const path = await which("qemu-img");
  if (path !== undefined) return path;
  throw new HostError("qemu-img is not installed or not on PATH", {
    hint: await installHint(["img"], "amd64"),
  });
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

function resultTable(checks: readonly Check[]): string {
  return table(
    ["CHECK", "RESULT", "TIME", "DETAIL"],
    checks.map(({ name, result, elapsedMs, detail }) => [
      name,
      result,
      elapsedMs === 0 ? "" : `${(elapsedMs / 1000).toFixed(1)} s`,
      detail,
    ]),
  );
}
