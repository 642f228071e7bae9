// deno-lint-ignore-file no-console -- a script that talks to whoever runs it
// `deno task release:check [TAG]`: whether version, changelog and tag agree, so that nothing wrong is released. Without
// a tag it checks what can be known before a release: CI does so at each push.
import { join } from "node:path";
import config from "../deno.json" with { type: "json" };
import { sectionOf, versionsOf } from "./changelog.ts";

/** What a release is made of. */
export interface Release {
  /** As deno.json has it. */
  readonly version: string;
  readonly changelog: string;
  /** Such as `v1.2.0`; undefined when nothing is released yet. */
  readonly tag?: string;
}

/** What does not fit together, each with what to do about it; nothing when all is well. */
export function releaseProblems({ version, changelog, tag }: Release): string[] {
  const problems: string[] = [];
  if (!/^\d+\.\d+\.\d+$/.test(version)) {
    problems.push(`deno.json: the version ${version} is not of the form 1.2.3`);
  }
  const section = sectionOf(changelog, version);
  if (tag === undefined) {
    // An empty section Unreleased stands above the version that is released next.
    const next = sectionOf(changelog, "Unreleased") || section;
    if (!next) problems.push(`CHANGELOG.md: there is neither a section Unreleased nor one for ${version}`);
  } else {
    if (tag !== `v${version}`) {
      problems.push(`the tag is ${tag}, and deno.json has ${version}: tag the commit that has the version`);
    }
    if (!section) {
      problems.push(`CHANGELOG.md: the section for ${version} is missing: rename Unreleased to it`);
    } else if (versionsOf(changelog)[0] !== version) {
      problems.push(`CHANGELOG.md: the section for ${version} is not the newest`);
    }
  }
  return problems;
}

if (import.meta.main) {
  const changelog = await Deno.readTextFile(join(import.meta.dirname ?? ".", "../CHANGELOG.md"));
  const [tag] = Deno.args;
  const problems = releaseProblems({ version: config.version, changelog, tag });
  for (const problem of problems) console.error(`error: ${problem}`);
  if (problems.length === 0) {
    console.log(`${config.version} ${tag === undefined ? "may become a release" : `fits ${tag}`}`);
  }
  Deno.exit(problems.length === 0 ? 0 : 1);
}
