import type { Architecture } from "../../architecture.ts";
import { UsageError } from "../../errors.ts";
import type { Installer } from "../../installer/installer.ts";
import type { ResolvedProfile } from "../../profile/resolved.ts";
import { type FindAnswerFile, renderAnswers } from "../../serve/answers.ts";
import { noServer } from "./fetches.ts";
import { standalonePreseed } from "./preseed.ts";
import { standaloneUserData } from "./user_data.ts";

/** What an answer file on a stick is rendered from. */
export interface StickAnswerSource {
  readonly profile: ResolvedProfile;
  readonly architecture: Architecture;
  readonly family: Installer["name"];
  readonly find: FindAnswerFile;
  /** Salt of the password hash, for tests; random when left out. */
  readonly salt?: string;
}

/** Endings of the one answer file that Ventoy hands to an installer. */
export const answerEndings: Readonly<Record<Installer["name"], string>> = {
  debian: "preseed.cfg",
  ubuntu: "user-data",
};

/**
 * Renders the one file that Ventoy hands to the installer: the same answers as the seed server's, with the late command
 * inside. Throws {@linkcode UsageError} for a template that needs the seed server for anything else.
 */
export async function renderStickAnswer(source: StickAnswerSource): Promise<string> {
  const { family, profile } = source;
  const path = family === "debian" ? "/preseed.cfg" : "/user-data";
  const answers = await renderAnswers({ ...source, baseUrl: noServer, paths: [path, "/install.sh"] });
  const answer = answers.get(path);
  const script = answers.get("/install.sh")?.body ?? "";
  const body = answer?.body ?? "";
  const chooseDisk = profile.partitioning.disk === undefined;
  const standalone = family === "debian"
    ? standalonePreseed(body, script, chooseDisk)
    : standaloneUserData(body, script, chooseDisk);
  const line = standalone.split("\n").find((each) => each.includes(noServer));
  if (line === undefined) return standalone;
  throw new UsageError(
    `${answer?.path ?? path} fetches from the seed server in a way that a stick cannot replace: ` +
      line.trim().slice(0, 200),
    { hint: "Fetch only install.sh, with: wget -q -O FILE '<%= it.installUrl %>'" },
  );
}
