import { join } from "node:path";
import { guestFolder } from "../../lib/build/guest/script.ts";
import type { BuildPlan } from "../../lib/build/plan.ts";
import { debian } from "../../lib/installer/debian.ts";
import { kernelLine } from "../../lib/installer/kernel_line.ts";
import { run } from "../../lib/process.ts";
import { probeQemu } from "../../lib/qemu/host.ts";
import { acceleratorArgs } from "../../lib/qemu/platform_args.ts";
import { freePort } from "../../lib/qemu/ports.ts";
import type { Answers } from "../../lib/serve/answers.ts";
import { guestHost } from "../../lib/serve/server.ts";
import { buildKeyComment } from "../../lib/serve/template_data.ts";
import { generateKeyPair } from "../../lib/ssh/key.ts";
import { shellQuote } from "../../lib/ssh/quote.ts";
import { answersAsPim, copyScripts, environmentAsPim, planAsPim } from "./demo_plan.ts";
import { timeMs } from "./measurement.ts";

const folder = import.meta.dirname ?? ".";

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
  const plan = await planAsPim(home, project, "demo");
  const baseUrl = `http://${guestHost}:${server.addr.port}`;
  const key = await generateKeyPair(buildKeyComment);
  answers = await answersAsPim(plan, baseUrl, key.publicKey);
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

/** The scripts as pim runs them, each with a file of the variables that it sees, and a file that says their order. */
async function writeScripts(plan: BuildPlan, dir: string): Promise<void> {
  const names = await copyScripts(plan, dir);
  const variables = Object.entries(environmentAsPim(plan))
    .map(([name, value]) => `export ${name}=${shellQuote(value)}\n`).join("");
  for (const name of names) await Deno.writeTextFile(join(dir, `${name}.env`), variables);
  await Deno.writeTextFile(join(dir, "order"), names.map((name) => `${name}\n`).join(""));
}
