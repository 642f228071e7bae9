import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { deploy, type DeployOptions, removeDeployment } from "../../../../lib/deploy/deploy.ts";
import { DeployError } from "../../../../lib/deploy/deploy_error.ts";
import type { DeployEvent } from "../../../../lib/deploy/events.ts";
import { getTarget, loadTargets, type NamedTarget } from "../../../../lib/deploy/load_targets.ts";
import { readSecret } from "../../../../lib/deploy/secret.ts";
import type { DeployImage, HostTools } from "../../../../lib/deploy/target.ts";
import type { Deployment } from "../../../../lib/image/deployment.ts";
import { listDeployments } from "../../../../lib/image/deployments.ts";
import type { ImageEntry } from "../../../../lib/image/entry.ts";
import { updateRegistry } from "../../../../lib/image/registry.ts";
import { configureLog } from "../../../../lib/log.ts";
import { type Paths, registryFile, userPaths } from "../../../../lib/paths.ts";
import { which } from "../../../../lib/process.ts";
import { newUser, type User } from "../../../cli/pim.ts";
import { sampleImage } from "../../../image/sample.ts";
import { type AwsStandIn, awsStandIn } from "./stand_in.ts";

const mebibyte = 1024 * 1024;

/** A user with one image and a target `cloud` of type aws. */
export interface Deployer extends AsyncDisposable {
  readonly aws: AwsStandIn;
  readonly user: User;
  readonly paths: Paths;
  readonly image: DeployImage;
  /** What pim is given in its environment: the keys. */
  readonly secrets: Record<string, string>;
  readonly events: DeployEvent[];
  target(): Promise<NamedTarget>;
  tools(signal?: AbortSignal): HostTools;
  deploy(
    options?: Partial<Pick<DeployOptions, "force" | "verifying" | "onEvent">> & {
      readonly signal?: AbortSignal;
    },
  ): Promise<Deployment>;
  remove(): Promise<void>;
  /** Edits the target's file. */
  change(edit: (text: string) => string): Promise<void>;
  /** What is written down of the deployment. */
  record(): Promise<Deployment | undefined>;
  /** Runs pim with the keys. */
  pim(...args: string[]): ReturnType<User["run"]>;
  /** Runs it so, and sends it a signal as soon as `when` holds; tells its exit code. */
  endPim(signal: "SIGKILL" | "SIGINT", when: () => boolean, ...args: string[]): Promise<number>;
}

/** Makes one; its disk has `mebibytes` that cannot be compressed, in parts of 8 MiB when it is uploaded. */
export async function deployer(
  { mebibytes = 1, settings = "", entry = {} }: {
    readonly mebibytes?: number;
    readonly settings?: string;
    readonly entry?: Partial<ImageEntry>;
  } = {},
): Promise<Deployer> {
  configureLog({ level: "quiet" });
  const aws = await awsStandIn();
  const user = await newUser({
    "config/pim/targets.d/aws.yml": targetText(aws, settings),
    "data/pim/images/.keep": "",
  });
  const secrets: Record<string, string> = {
    AWS_KEY: aws.key.id,
    AWS_SECRET: aws.key.secret,
    AWS_TOKEN: aws.key.token ?? "",
  };
  const env = { get: (name: string) => user.env[name] ?? secrets[name] };
  const paths = userPaths(env);
  const image = await makeImage(user, paths, mebibytes, entry);
  const events: DeployEvent[] = [];
  const tools = (signal = new AbortController().signal): HostTools => ({
    ...{ env, signal },
    qemuImg: async () => await which("qemu-img") ?? "qemu-img",
    secret: (reference, baseDir) => readSecret(reference, { env, baseDir, signal }),
  });
  const target = async () =>
    getTarget("cloud", await loadTargets([{ kind: "user", path: join(user.path, "config/pim") }]));
  const record = async () => (await listDeployments(registryFile(paths)))[0];
  return {
    ...{ aws, user, paths, image, secrets, events, target, tools, record },
    async deploy({ force = false, signal, onEvent, ...more } = {}) {
      return await deploy(await target(), image, {
        ...{ paths, tools: tools(signal), force, ...more },
        onEvent(event) {
          events.push(event);
          onEvent?.(event);
        },
      });
    },
    async remove() {
      await removeDeployment((await record())!, await target(), { paths, tools: tools() });
    },
    async change(edit) {
      const path = join(user.path, "config/pim/targets.d/aws.yml");
      await Deno.writeTextFile(path, edit(await Deno.readTextFile(path)));
    },
    pim: (...args) => user.run([...user.argv, ...args], { env: secrets }),
    async endPim(signal, when, ...args) {
      const [program = "", ...argv] = user.argv;
      const pim = new Deno.Command(program, {
        args: [...argv, ...args],
        ...{ clearEnv: true, env: { ...user.env, ...secrets }, stdout: "null", stderr: "null" },
      }).spawn();
      let ended = false;
      pim.status.then(() => ended = true);
      while (!when()) {
        assert.ok(!ended, "it ended before it came to the point");
        await sleep(20);
      }
      pim.kill(signal);
      return (await pim.status).code;
    },
    async [Symbol.asyncDispose]() {
      await aws[Symbol.asyncDispose]();
      await user[Symbol.asyncDispose]();
    },
  };
}

function targetText({ url, region }: AwsStandIn, settings: string): string {
  return [
    "cloud:",
    ...["type: aws", `region: ${region}`, "bucket: images", `s3_endpoint: ${url}`, `ec2_endpoint: ${url}`],
    ...["access_key_id: $AWS_KEY", "secret_access_key: $AWS_SECRET", "session_token: $AWS_TOKEN"],
    ...settings.split("\n").filter((line) => line !== ""),
  ].join("\n  ");
}

async function makeImage(
  { path, run }: User,
  paths: Paths,
  mebibytes: number,
  more: Partial<ImageEntry>,
): Promise<DeployImage> {
  const raw = join(path, "disk.raw");
  await Deno.writeFile(raw, randomBytes(mebibytes * mebibyte));
  await Deno.truncate(raw, 2 * mebibytes * mebibyte);
  const entry = sampleImage("demo", new Date("2026-11-26T10:00:00Z"), more);
  const file = join(paths.dataDir, "images", entry.file);
  const { code, stderr } = await run(["qemu-img", "convert", "-O", "qcow2", raw, file]);
  if (code !== 0) throw new Error(stderr);
  await Deno.remove(raw);
  const content = await Deno.readFile(file);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const registered = { ...entry, sha256, bytes: content.length };
  await updateRegistry(registryFile(paths), (registry) => registry.add(registered));
  return { entry: registered, path: file, sha256 };
}

/** Deploys and returns how it failed. */
export async function failure(
  one: Deployer,
  options: Parameters<Deployer["deploy"]>[0] = {},
): Promise<DeployError> {
  try {
    await one.deploy(options);
  } catch (error) {
    assert.ok(error instanceof DeployError, String(error));
    assert.equal(error.exitCode, 9);
    return error;
  }
  throw new Error("it did not fail");
}

/** No object and no unfinished upload is left. */
export function assertNothingInS3({ aws }: Deployer): void {
  assert.deepEqual([...aws.s3.objects.keys(), ...aws.s3.uploads.keys()], []);
}
