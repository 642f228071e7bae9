import { basename, join } from "node:path";
import { guestFolder, scriptEnvironment } from "../../lib/build/guest/script.ts";
import { type BuildPlan, planBuild } from "../../lib/build/plan.ts";
import { loadConfig } from "../../lib/config/config.ts";
import { debian } from "../../lib/installer/debian.ts";
import { findNamed } from "../../lib/profile/files.ts";
import { type Answers, renderAnswers } from "../../lib/serve/answers.ts";
import { buildKeyComment } from "../../lib/serve/template_data.ts";
import { pimEnvironment } from "./pim_command.ts";

const finalizeScript = join(import.meta.dirname ?? ".", "../../lib/build/guest/finalize.sh");

/** What pim would do for a profile of a project: where others get the same answers and scripts from. */
export async function planAsPim(home: string, project: string, profile: string): Promise<BuildPlan> {
  const env = pimEnvironment(home);
  const config = await loadConfig({
    cwd: home,
    env: { get: (name) => env[name] ?? Deno.env.get(name) },
    project,
  });
  return await planBuild(config, { profile, architecture: "amd64" });
}

/** The answer files that pim would serve there. */
export async function answersAsPim(plan: BuildPlan, baseUrl: string, buildKey?: string): Promise<Answers> {
  return await renderAnswers({
    profile: plan.profile,
    architecture: plan.architecture,
    baseUrl,
    ...(buildKey !== undefined && { buildKey }),
    paths: debian.answerFiles,
    find: async (dir, endings) =>
      (await findNamed(plan.config.folders, dir, plan.profile.name, endings))?.path,
  });
}

/** The variables that pim's scripts see. */
export function environmentAsPim(plan: BuildPlan): Record<string, string> {
  return {
    ...scriptEnvironment(plan.profile, plan.architecture),
    PIM_SSH_USER: plan.sshUser,
    PIM_GUEST_FOLDER: guestFolder,
    PIM_KEY_COMMENT: buildKeyComment,
  };
}

/** Copies the scripts that pim runs, and last its own finalize.sh, into a folder; returns their names in order. */
export async function copyScripts(plan: BuildPlan, dir: string): Promise<string[]> {
  await Deno.mkdir(dir, { recursive: true });
  const paths = [...plan.scripts.map(({ path }) => path), finalizeScript];
  for (const path of paths) {
    const target = join(dir, basename(path));
    await Deno.copyFile(path, target);
    await Deno.chmod(target, 0o700);
  }
  return paths.map((path) => basename(path));
}
