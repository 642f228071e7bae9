import type { Architecture } from "../../architecture.ts";
import { UsageError } from "../../errors.ts";
import type { ResolvedProfile } from "../../profile/resolved.ts";
import { type Answer, type FindAnswerFile, renderAnswers } from "../../serve/answers.ts";
import { noServer } from "./fetches.ts";
import { standalonePreseed } from "./preseed.ts";
import { standaloneUserData } from "./user_data.ts";

/** What an answer file on a stick is rendered from. */
export interface StickAnswerSource {
  readonly profile: ResolvedProfile;
  readonly architecture: Architecture;
  readonly family: StickFamily;
  readonly find: FindAnswerFile;
  /** Salt of the password hash, for tests; random when left out. */
  readonly salt?: string;
}

/** Endings of the one answer file that Ventoy hands to an installer, for the families that it can do this for. */
export const answerEndings = { debian: "preseed.cfg", ubuntu: "user-data" } as const;

/** An installer family that a stick can install by itself. */
export type StickFamily = keyof typeof answerEndings;

/** Throws {@linkcode UsageError} for a family that pim cannot let Ventoy install. */
export function stickFamily(family: string, profile: string): StickFamily {
  if (Object.hasOwn(answerEndings, family)) return family as StickFamily;
  throw new UsageError(
    `Profile ${profile} cannot be installed from a stick: pim does not know how for ${family}`,
    {
      hint: `Families that it knows: ${
        Object.keys(answerEndings).join(", ")
      }. To put the ISO alone on it: --iso KEY`,
    },
  );
}

/**
 * Renders the one file that Ventoy hands to the installer: the same answers as the seed server's, with the late command
 * inside. Throws {@linkcode UsageError} for a template that needs the seed server for anything else.
 */
export async function renderStickAnswer(source: StickAnswerSource): Promise<string> {
  const { family, profile } = source;
  const path = family === "debian" ? "/preseed.cfg" : "/user-data";
  const answers = await renderAnswers({ ...source, baseUrl: noServer, paths: [path, "/install.sh"] });
  const [answer, script] = [answers.get(path) as Answer, answers.get("/install.sh") as Answer];
  refuseServer(script.body, script.path ?? "/install.sh");
  const chooseDisk = profile.partitioning.disk === undefined;
  const standalone = family === "debian"
    ? standalonePreseed(answer.body, script.body, chooseDisk)
    : standaloneUserData(answer.body, script.body, chooseDisk);
  refuseServer(standalone, answer.path ?? path);
  return standalone;
}

/** Throws when a text still asks the seed server for something. */
function refuseServer(text: string, path: string): void {
  const line = text.split("\n").find((each) => each.includes(noServer));
  if (line === undefined) return;
  throw new UsageError(
    `${path} fetches from the seed server in a way that a stick cannot replace: ${line.trim().slice(0, 200)}`,
    { hint: "Fetch only install.sh, with: wget -q -O FILE '<%= it.installUrl %>'" },
  );
}
