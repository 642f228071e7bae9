import { basename, join } from "node:path";
import { guestFolder, scriptEnvironment } from "../../lib/build/guest_script.ts";
import { type BuildPlan, planBuild } from "../../lib/build/plan.ts";
import { loadConfig } from "../../lib/config/config.ts";
import { debian } from "../../lib/installer/debian.ts";
import { kernelLine } from "../../lib/installer/kernel_line.ts";
import { run } from "../../lib/process.ts";
import { findNamed } from "../../lib/profile/files.ts";
import { probeQemu } from "../../lib/qemu/host.ts";
import { acceleratorArgs } from "../../lib/qemu/platform_args.ts";
import { freePort } from "../../lib/qemu/ports.ts";
import { type Answers, renderAnswers } from "../../lib/serve/answers.ts";
import { guestHost } from "../../lib/serve/server.ts";
import { buildKeyComment } from "../../lib/serve/template_data.ts";
import { generateKeyPair } from "../../lib/ssh/key.ts";
import { shellQuote } from "../../lib/ssh/quote.ts";
import { timeMs } from "./measurement.ts";
import { pimEnvironment } from "./pim_command.ts";

const folder = import.meta.dirname ?? ".";
const finalizeScript = join(folder, "../../lib/build/finalize.sh");

/** A build by hand, ready to run: what a person would have written down before. */
interface HandBuild {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Seconds that by_hand.sh takes for the profile `demo` of a project. It gets the answer files, the kernel line and the
 * scripts that pim would use, made before the clock starts; this process serves the answer files.
 */
export async function timeByHand(home: string, project: string, isoPath: string): Promise<number> {
  let answers: Answers = new Map();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const answer = [...answers].find(([path]) => path === new URL(request.url).pathname)?.[1];
      return answer === undefined ? new Response(null, { status: 404 }) : new Response(answer.body);
    },
  );
  const env = pimEnvironment(home);
  const config = await loadConfig({
    cwd: home,
    env: { get: (name) => env[name] ?? Deno.env.get(name) },
    project,
  });
  const plan = await planBuild(config, { profile: "demo", architecture: "amd64" });
  const baseUrl = `http://${guestHost}:${server.addr.port}`;
  const key = await generateKeyPair(buildKeyComment);
  answers = await renderAnswers({
    profile: plan.profile,
    architecture: plan.architecture,
    baseUrl,
    buildKey: key.publicKey,
    paths: debian.answerFiles,
    find: async (dir, endings) => (await findNamed(config.folders, dir, plan.profile.name, endings))?.path,
  });
  const build = await prepare(plan, home, isoPath, baseUrl, key.privateKey);
  return await timeMs(() => run(build.argv, { cwd: home, env: build.env })) / 1000;
}

async function prepare(
  plan: BuildPlan,
  home: string,
  isoPath: string,
  baseUrl: string,
  privateKey: string,
): Promise<HandBuild> {
  const { profile, architecture } = plan;
  const host = await probeQemu({ architecture, cacheDir: join(home, "cache") });
  const work = join(home, "work");
  await writeScripts(plan, join(work, "scripts"));
  await Deno.writeTextFile(join(work, "key"), privateKey, { mode: 0o600 });
  const { memoryMiB, cpus } = profile.build;
  const machine = [
    ...acceleratorArgs(architecture, host.accelerator.name),
    ...["-smp", `cpus=${cpus}`, "-m", `${memoryMiB}M`],
  ];
  return {
    argv: [join(folder, "by_hand.sh"), isoPath, work, join(home, "by-hand.qcow2")],
    env: {
      MACHINE: machine.join(" "),
      DISK_BYTES: String(plan.diskBytes),
      APPEND: kernelLine(debian.kernelArgs({ baseUrl, profile, architecture })),
      SSH_PORT: String(freePort()),
      GUEST_USER: plan.sshUser,
      PASSWORD: profile.password ?? "",
      GUEST_FOLDER: guestFolder,
    },
  };
}

/** The scripts as pim runs them, each with a file of the variables that it sees, and last pim's own finalize.sh. */
async function writeScripts(plan: BuildPlan, dir: string): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
  const env = {
    ...scriptEnvironment(plan.profile, plan.architecture),
    PIM_SSH_USER: plan.sshUser,
    PIM_GUEST_FOLDER: guestFolder,
    PIM_KEY_COMMENT: buildKeyComment,
  };
  const variables = Object.entries(env).map(([name, value]) => `export ${name}=${shellQuote(value)}\n`).join(
    "",
  );
  const paths = [...plan.scripts.map(({ path }) => path), finalizeScript];
  for (const path of paths) {
    const target = join(dir, basename(path));
    await Deno.copyFile(path, target);
    await Deno.chmod(target, 0o700);
    await Deno.writeTextFile(`${target}.env`, variables);
  }
  await Deno.writeTextFile(join(dir, "order"), paths.map((path) => `${basename(path)}\n`).join(""));
}
