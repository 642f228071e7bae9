import { messageOf, UsageError } from "../errors.ts";
import type { AnswerPath } from "../installer/installer.ts";
import type { ResolvedProfile } from "../profile/resolved.ts";
import { renderTemplate } from "./template.ts";
import { type AnswerSource, type TemplateData, templateData } from "./template_data.ts";
import { finishUserData } from "./user_data.ts";

/** One file as the seed server hands it out. */
export interface Answer {
  readonly contentType: string;
  readonly body: string;
  /** The template it was made from; undefined for files that pim writes itself. */
  readonly path?: string;
}

/** Rendered answer files by their URL paths. */
export type Answers = ReadonlyMap<string, Answer>;

/** Finds the file of a profile in a configuration folder, the one named after the profile before `default`. */
export type FindAnswerFile = (
  folder: "preseeds.d" | "installs.d",
  endings: readonly string[],
) => Promise<string | undefined>;

/** What {@linkcode renderAnswers} needs. */
export interface RenderOptions extends AnswerSource {
  readonly find: FindAnswerFile;
  /** Only these; all of them when left out. */
  readonly paths?: readonly AnswerPath[];
}

/** All URL paths that a seed server may offer. */
export const answerPaths: readonly AnswerPath[] = [
  "/preseed.cfg",
  "/install.sh",
  "/user-data",
  "/meta-data",
  "/vendor-data",
];

/** Renders answer files. Throws {@linkcode UsageError} for a template that is missing or wrong. */
export async function renderAnswers(options: RenderOptions): Promise<Answers> {
  const data = await templateData(options);
  const answers = new Map<string, Answer>();
  for (const path of options.paths ?? answerPaths) {
    answers.set(path, await render(path, options, data));
  }
  return answers;
}

/** Renders one answer file. Throws {@linkcode UsageError} for a template that is missing or wrong. */
export async function renderAnswer(path: AnswerPath, options: RenderOptions): Promise<Answer> {
  return await render(path, options, await templateData(options));
}

const text = "text/plain; charset=utf-8";
const yaml = "text/cloud-config; charset=utf-8";

async function render(path: AnswerPath, options: RenderOptions, data: TemplateData): Promise<Answer> {
  const { find, profile } = options;
  switch (path) {
    case "/preseed.cfg": {
      const file = await renderFile(find, profile, "preseeds.d", ".cfg", data);
      return { ...file, contentType: text, body: appendLines(file.body, profile) };
    }
    case "/install.sh": {
      const file = await renderFile(find, profile, "installs.d", ".sh", data);
      return { ...file, contentType: "text/x-shellscript; charset=utf-8" };
    }
    case "/user-data": {
      const file = await renderFile(find, profile, "preseeds.d", ".user-data", data);
      return { ...file, contentType: yaml, body: finishUserData(file.body, file.path, profile) };
    }
    case "/meta-data":
      return { contentType: yaml, body: metaData(profile) };
    case "/vendor-data":
      return { contentType: yaml, body: "#cloud-config\n{}\n" };
  }
}

interface RenderedFile {
  readonly path: string;
  readonly body: string;
}

async function renderFile(
  find: FindAnswerFile,
  profile: ResolvedProfile,
  folder: "preseeds.d" | "installs.d",
  ending: string,
  data: TemplateData,
): Promise<RenderedFile> {
  const path = await find(folder, [`${ending}.eta`, ending]);
  if (path === undefined) {
    throw new UsageError(
      `There is no ${folder}/${profile.name}${ending}.eta and no ${folder}/default${ending}.eta`,
      {
        hint: "Write the default files with: pim init",
      },
    );
  }
  let content: string;
  try {
    content = await Deno.readTextFile(path);
  } catch (cause) {
    throw new UsageError(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
  return {
    path,
    body: path.endsWith(".eta") ? await renderTemplate({ path, text: content }, data) : content,
  };
}

/** A preseed with the profile's answers at its end, where they win over what the template says. */
function appendLines(preseed: string, profile: ResolvedProfile): string {
  const { answers, name } = profile;
  if (!Array.isArray(answers)) {
    if (Object.keys(answers).length === 0) return preseed;
    throw new UsageError(`Profile ${name}: answers is a map, but a preseed takes a list of lines`, {
      hint: 'Write answers as a list: answers: ["d-i time/zone string UTC"]',
    });
  }
  if (answers.length === 0) return preseed;
  return `${preseed.trimEnd()}\n\n# The profile's own answers: the last one for a question counts.\n${
    answers.join("\n")
  }\n`;
}

function metaData(profile: ResolvedProfile): string {
  return `instance-id: ${JSON.stringify(`pim-${profile.name}`)}\nlocal-hostname: ${
    JSON.stringify(profile.hostname)
  }\n`;
}
