import { writeFileAtomic } from "../../files.ts";
import { findVerificationScript, type Subject } from "../../verify/subject.ts";
import { VerificationError } from "../../verify/verification.ts";
import { verifyImage } from "../../verify/verify.ts";
import { vmPlaces } from "../../vm/places.ts";
import type { Step } from "../chain.ts";
import { scriptEnvironment } from "../guest/script.ts";
import { guestSshPort } from "../machine.ts";
import type { Flattened } from "../states.ts";

/** Boots the finished image and checks it; one that is not as it shall be is never registered (exit code 8). */
export const verify: Step<Flattened, Flattened> = {
  name: "verify",
  async run(state, { signal, progress, output }) {
    const { plan, workspace } = state;
    const { files } = workspace;
    const verification = await verifyImage(await subjectOf(state), {
      // Under the build's own name, so that whatever clears up after a killed build finds this machine too.
      places: { ...await vmPlaces(plan.config), vmsDir: files.verify, vmName: plan.name },
      signal,
      bootTimeoutMs: plan.profile.build.sshTimeoutMinutes * 60_000,
      serialLog: files.verifyLog,
      onStage: (text) => progress(text),
      onCheck: ({ name, result, detail }) => output(`${result} ${name}: ${detail}`),
      onLine: output,
    });
    await writeFileAtomic(files.verification, `${JSON.stringify(verification, null, 2)}\n`);
    if (!verification.ok) throw new VerificationError(`The image ${plan.name}`, verification);
    const checks = verification.checks.map(({ name, result, detail }) => ({ name, result, detail }));
    return { ...state, verification: { ok: verification.ok, checks } };
  },
};

async function subjectOf({ plan, part, efiVars }: Flattened): Promise<Subject> {
  const { profile, architecture, config } = plan;
  const { memoryMiB, cpus, firmware } = profile.build;
  const script = await findVerificationScript(config.folders, profile.name);
  return {
    source: {
      vmName: plan.name,
      path: part,
      format: "qcow2",
      architecture,
      firmware,
      ...(efiVars !== undefined && { efiVars }),
    },
    memoryMiB,
    cpus,
    guestSshPort,
    profile,
    ...(script !== undefined && {
      script: { ...script, env: scriptEnvironment(profile, architecture) },
    }),
  };
}
