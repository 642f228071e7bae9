import { type ConfigFolder, findFile } from "../config/folders.ts";
import type { FindAnswerFile } from "./answers.ts";

/** Looks answer files up in configuration folders: `<profile><ending>` in any of them before `default<ending>`. */
export function answerFinder(folders: readonly ConfigFolder[], profile: string): FindAnswerFile {
  return async (folder, endings) => {
    const names = [...new Set([profile, "default"])].flatMap((name) =>
      endings.map((ending) => name + ending)
    );
    return (await findFile(folders, folder, names))?.path;
  };
}
