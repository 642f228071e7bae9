import { hideSecret } from "../../log.ts";
import { findNamed } from "../../profile/files.ts";
import { type Answers, renderAnswers } from "../../serve/answers.ts";
import { guestHost, randomPrefix, type SeedRequest, startSeedServer } from "../../serve/server.ts";
import { buildKeyComment } from "../../serve/template_data.ts";
import { generateKeyPair } from "../../ssh/key.ts";
import type { Step } from "../chain.ts";
import { keepAnswers, keepBuildKey, openLog } from "../diagnosis/bundle.ts";
import { withKeys } from "../plan.ts";
import type { DiskReady, Served } from "../states.ts";

/** Renders the answer files, with a key for this build only, and serves them on loopback under an unguessable path. */
export const serveAnswers: Step<DiskReady, Served> = {
  name: "serve answers",
  async run(state, { undo, progress, signal }) {
    const { installer, plan: { profile, architecture, config }, workspace: { files } } = state;
    const buildKey = await generateKeyPair(buildKeyComment);
    await keepBuildKey(files, buildKey);
    const prefix = randomPrefix();
    hideSecret(prefix.slice(1));
    const log = undo.use(openLog(files.seedLog));
    let answers: Answers = new Map();
    const seed = undo.use(
      await startSeedServer({
        prefix,
        answer: (path) => [...answers].find(([each]) => each === path)?.[1],
        signal,
        onRequest: (request) => log(describe(request)),
      }),
    );
    answers = await renderAnswers({
      profile,
      architecture,
      baseUrl: seed.baseUrl(guestHost),
      buildKey: buildKey.publicKey,
      paths: installer.answerFiles,
      find: async (folder, endings) => (await findNamed(config.folders, folder, profile.name, endings))?.path,
    });
    await keepAnswers(files.answers, answers);
    // The templates are read a second time here: what was served is what the layers are to be known by.
    const plan = await withKeys(state.plan, state.origin);
    progress(`${installer.answerFiles.join(" ")} on 127.0.0.1:${seed.port}`);
    return { ...state, plan, seed, buildKey };
  },
};

function describe({ client, method, path, status, bytes, timeMs, error }: SeedRequest): string {
  const why = error === undefined ? "" : ` (${error})`;
  return `${client} ${method} ${path} ${status} ${bytes} bytes in ${Math.round(timeMs)} ms${why}`;
}
