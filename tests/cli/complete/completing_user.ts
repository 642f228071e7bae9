import { join } from "node:path";
import { putDeployment } from "../../../lib/image/deployments.ts";
import { updateRegistry } from "../../../lib/image/registry.ts";
import { sampleDeployment, sampleImage } from "../../image/sample.ts";
import { newUser, type Outcome, type User } from "../pim.ts";
import { runLines } from "../several_lines.ts";

/** A user with something of each kind that has a name; `pim` is a program in their PATH. */
export interface CompletingUser extends User {
  /** The answers of `pim complete fish` to lines as far as they were typed. */
  propose<const LINES extends readonly (readonly string[])[]>(
    lines: LINES,
  ): Promise<{ readonly [INDEX in keyof LINES]: Proposed }>;
}

/** What may stand in place of the last word of a line: what the shell may add, and the proposals without descriptions. */
interface Proposed {
  readonly paths: string;
  readonly names: readonly string[];
}

/** The name of the user's image, which was built from the profile web. */
export const image = "web-amd64-20260102T030405Z";

// What a shell would run if it evaluated a name.
export const trap = "a$(touch trapped)`touch trapped`;b";

const files = {
  "config/pim/pim.yml": "",
  "config/pim/profiles.d/web.ts": "export default {};\n",
  "config/pim/profiles.d/web db.ts": "export default {};\n",
  [`config/pim/profiles.d/${trap}.ts`]: "export default {};\n",
  "config/pim/isos.d/debian.yml": `debian-13-amd64-netinst:
  name: Debian
  url: https://example.org/debian.iso
  checksum: "sha256:${"0".repeat(64)}"
`,
  "config/pim/targets.d/targets.yml":
    "lab: { type: file, path: /srv }\n'it''s: odd': { type: file, path: /srv }\n",
  "config/pim/targets.d/cloud.ts": "throw new Error('a module is not run for its name');\n",
  "config/pim/scripts.d/base.sh": "",
  "work/disk.qcow2": "",
  "work/folder/my key.pub": "",
  "other/pim.yml": "",
  "other/profiles.d/elsewhere.ts": "export default {};\n",
};

/** Makes such a user. */
export async function completingUser(more: Readonly<Record<string, string>> = {}): Promise<CompletingUser> {
  const user = await newUser({ ...files, ...more });
  const at = (name: string) => join(user.path, name);
  await Deno.mkdir(at("run"), { mode: 0o700 });
  const words = user.argv.map((word) => `'${word}'`).join(" ");
  await Deno.chmod(await user.write("bin/pim", `#!/bin/sh\nexec ${words} "$@"\n`), 0o755);
  const registry = at("data/pim/registry.yml");
  await updateRegistry(registry, (all) => all.add(sampleImage("web", new Date("2026-01-02T03:04:05Z"))));
  await putDeployment(registry, sampleDeployment("lab", image));
  const env = { ...user.env, PATH: `${at("bin")}:${user.env["PATH"]}` };
  return {
    ...user,
    env,
    async propose<const LINES extends readonly (readonly string[])[]>(lines: LINES) {
      const answers = await runLines(user, lines.map((typed) => ["complete", "fish", "--", ...typed]));
      return answers.map(proposed) as { readonly [INDEX in keyof LINES]: Proposed };
    },
  };
}

function proposed({ code, stdout, stderr }: Outcome): Proposed {
  if (code !== 0 || stderr !== "") throw new Error(`pim complete ended with ${code}: ${stderr}`);
  const [paths = "", ...lines] = stdout.trimEnd().split("\n");
  return { paths, names: lines.map((line) => line.split("\t")[0] ?? "") };
}
