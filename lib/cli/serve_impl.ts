import { PimError } from "../errors.ts";
import { type BootParameters, bootParameters } from "../installer/boot_parameters.ts";
import type { Installer } from "../installer/installer.ts";
import { installers } from "../installer/installers.ts";
import { log } from "../log.ts";
import { findNamed } from "../profile/files.ts";
import { loadProfile } from "../profile/load.ts";
import { type ResolvedProfile, resolveProfile } from "../profile/resolved.ts";
import { hostArchitecture } from "../architecture.ts";
import { isLoopback, reachableHosts } from "../serve/addresses.ts";
import { answerPaths, renderAnswer, renderAnswers, type RenderOptions } from "../serve/answers.ts";
import { type SeedRequest, startSeedServer } from "../serve/server.ts";
import type { PimContext } from "./context.ts";
import type { ServeFlags } from "./serve.ts";

/** `pim serve [PROFILE]`: runs until Ctrl-C. */
export async function serve(this: PimContext, flags: ServeFlags, name = "default"): Promise<void> {
  const { folders, settings } = await this.config();
  const { value } = await loadProfile(folders, name);
  const architecture = flags.arch ?? value.architectures?.[0] ?? hostArchitecture();
  const profile = resolveProfile(name, value, architecture);
  const source: Omit<RenderOptions, "baseUrl"> = {
    profile,
    architecture,
    find: async (folder, endings) => (await findNamed(folders, folder, name, endings))?.path,
  };
  const families = familiesOf(profile);
  const bind = flags.bind ?? settings.serve.bind;

  await using server = await startSeedServer({
    bind,
    port: flags.port ?? settings.serve.port,
    signal: this.signal,
    answer: (path, baseUrl) => {
      const known = answerPaths.find((each) => each === path);
      return known === undefined ? undefined : renderAnswer(known, { ...source, baseUrl });
    },
    onRequest: (request) => report(this, flags.json, request),
  });
  const baseUrls = reachableHosts(bind, Deno.networkInterfaces()).map((host) => server.baseUrl(host));
  const baseUrl = baseUrls[0] ?? server.baseUrl();
  await check(families, { ...source, baseUrl });

  const lines = families.map((installer) => ({
    installer,
    parameters: bootParameters(installer, { baseUrl, profile, architecture, serialConsole: flags.serial }),
  }));
  if (flags.json) {
    const boot = Object.fromEntries(lines.map(({ installer, parameters }) => [installer.name, parameters]));
    this.print(
      JSON.stringify({
        event: "serving",
        profile: name,
        architecture,
        bind,
        port: server.port,
        baseUrls,
        boot,
      }),
    );
  } else {
    this.print(`Serving profile ${name} at ${baseUrls.join(" and ")}\n`);
    for (const { installer, parameters } of lines) this.print(instructions(installer, parameters));
    if (isLoopback(bind)) {
      log.info(
        "Only VMs of this host reach it, over QEMU's user network. For other machines: --bind 0.0.0.0",
      );
    }
    log.info("Ctrl-C ends it.");
  }
  await server.finished;
}

/** The families that this profile may be for: its own, else those that its ISO's key names, else all. */
function familiesOf(profile: ResolvedProfile): readonly Installer[] {
  const { installer, iso } = profile;
  if (installer !== undefined) return installers.filter((each) => each.name === installer);
  const named = installers.filter((each) => iso?.includes(each.name));
  return named.length > 0 ? named : installers;
}

/** Tells of wrong templates before an installer meets them. Of several families only one has to fit the profile. */
async function check(families: readonly Installer[], options: RenderOptions): Promise<void> {
  const failures: unknown[] = [];
  for (const { answerFiles, title } of families) {
    try {
      await renderAnswers({ ...options, paths: answerFiles });
    } catch (error) {
      if (!(error instanceof PimError)) throw error;
      failures.push(error);
      if (families.length > 1) log.warn(`No installation of ${title} with this profile: ${error.message}`);
    }
  }
  if (failures.length === families.length) throw failures[0];
}

function instructions(installer: Installer, parameters: BootParameters): string {
  const kept = parameters.installed === "" ? "" : `\nand after the ---:\n\n  ${parameters.installed}\n`;
  return `${installer.title}: in the boot menu press e (UEFI) or Tab (BIOS), and type before the --- of the linux line:

  ${parameters.installer}\n${kept}`;
}

function report(context: PimContext, json: boolean, request: SeedRequest): void {
  if (json) return context.print(JSON.stringify({ event: "request", ...request }));
  const { client, method, path, status, bytes, timeMs, error } = request;
  log.info(`${client} ${method} ${path} ${status} ${bytes} bytes ${timeMs.toFixed(0)} ms`);
  if (error !== undefined) log.warn(error);
}
