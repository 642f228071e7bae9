import type { Architecture } from "../../architecture.ts";
import type { ConfigFolder } from "../../config/folders.ts";
import type { Installer } from "../../installer/installer.ts";
import { installerNamed } from "../../installer/installers.ts";
import { findNamed } from "../../profile/files.ts";
import type { ResolvedProfile } from "../../profile/resolved.ts";
import { renderAnswers } from "../../serve/answers.ts";
import { buildKeyComment } from "../../serve/template_data.ts";
import { finalizeScript } from "../guest/finalize_script.ts";
import { scriptEnvironment } from "../guest/script.ts";
import type { LayerPlan, PlannedScript } from "../plan.ts";
import type { Digester } from "./digest.ts";

/** What an installation comes from. */
export interface Origin {
  /** Of the ISO: "sha256:…". */
  readonly isoChecksum: string;
  readonly family: Installer["name"];
  /** Version of the distribution on the ISO. */
  readonly version?: string;
}

/** The content keys of a build. */
export interface BuildKeys {
  readonly origin: Origin;
  /** Names the secret that all digests here are keyed with. */
  readonly digestId: string;
  /** The layers in their order. */
  readonly layers: readonly LayerPlan[];
  /** Of the image: 64 hex digits. */
  readonly image: string;
}

/** What the keys of a build are made of, beside where it comes from. */
export interface KeySource {
  readonly profile: ResolvedProfile;
  readonly architecture: Architecture;
  readonly folders: readonly ConfigFolder[];
  readonly scripts: readonly PlannedScript[];
  readonly diskBytes: number;
  readonly sshUser: string;
  /** How the image is compressed. */
  readonly compression: string;
}

/** Name of the layer point after the installation. */
export const installPoint = "install";
/** Name of the layer point at which the installed system has been started for the first time. */
export const startPoint = "start installed system";

/** Name of the layer point after a script. */
export function scriptPoint(script: string): string {
  return `script ${script}`;
}

// To be raised whenever pim makes something else of the same inputs.
const keyVersion = "1";

// What differs in each build stands for nothing in a key.
const anyUrl = "http://10.0.2.2/seed";
const anyKey = `ssh-ed25519 key ${buildKeyComment}`;

/** Works out the keys of a build: each over the one before it and all that its own step depends on. */
export async function buildKeys(source: KeySource, origin: Origin, digester: Digester): Promise<BuildKeys> {
  const { digest } = digester;
  const layers: LayerPlan[] = [];
  const add = (step: string, parent: string, inputs: Readonly<Record<string, string>>): string => {
    const digests = Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [name, digest(name, value)]),
    );
    const key = digest(keyVersion, step, parent, ...Object.entries(digests).flat());
    layers.push({ step, key, inputs: digests });
    return key;
  };
  const installed = add(installPoint, "", await installInputs(source, origin, digester));
  add(startPoint, installed, {});
  let last = installed;
  for (const script of source.scripts) {
    last = add(scriptPoint(script.name), last, scriptInputs(source, script, digester));
  }
  const image = digest(keyVersion, "image", last, await finalizeScript(), source.sshUser, source.compression);
  return { origin, digestId: digester.id, layers, image };
}

async function installInputs(
  { profile, architecture, folders, diskBytes }: KeySource,
  origin: Origin,
  { digest }: Digester,
): Promise<Record<string, string>> {
  const installer = installerNamed(origin.family);
  const { password, ...rest } = profile;
  const answers = await renderAnswers({
    // crypt takes long on purpose, and salts each time anew: a digest does as well for a comparison.
    profile: password === undefined ? rest : { ...rest, passwordHash: `$6$${digest("password", password)}` },
    architecture,
    baseUrl: anyUrl,
    buildKey: anyKey,
    paths: installer.answerFiles,
    find: async (folder, endings) => (await findNamed(folders, folder, profile.name, endings))?.path,
  });
  const { build } = profile;
  return {
    "ISO": origin.isoChecksum,
    "installer": origin.family,
    ...Object.fromEntries([...answers].map(([path, { body }]) => [path.slice(1), body])),
    "kernel line": JSON.stringify(installer.kernelArgs({ baseUrl: anyUrl, profile, architecture })),
    "disk size": String(diskBytes),
    "firmware": build.firmware,
    "architecture": architecture,
    // An installer fits swap to the memory and drivers to the devices.
    "memory": String(build.memoryMiB),
    "QEMU arguments": JSON.stringify(build.qemuArgs),
  };
}

function scriptInputs(
  { profile, architecture }: KeySource,
  { name, content }: PlannedScript,
  { digest }: Digester,
): Record<string, string> {
  const environment = Object.entries(scriptEnvironment(profile, architecture));
  return {
    [`scripts.d/${name}.sh`]: digest(content),
    ...Object.fromEntries(environment.map(([variable, value]) => [`$${variable}`, value])),
  };
}
