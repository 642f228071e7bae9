import { UsageError } from "../errors.ts";
import { isTree, mergeLayers, type Tree } from "../config/merge.ts";
import { parseYaml } from "../config/yaml.ts";
import type { ResolvedProfile } from "../profile/resolved.ts";
import { json } from "./template_data.ts";

/**
 * Checks rendered user-data and merges a profile's answers over its `autoinstall` map: maps merge, lists and scalars
 * replace. Without answers the text stays as the template wrote it.
 */
export function finishUserData(text: string, path: string, profile: ResolvedProfile): string {
  const document = parseYaml(text, `${path} (rendered)`).value;
  const autoinstall = isTree(document) ? document["autoinstall"] : undefined;
  if (!text.startsWith("#cloud-config") || !isTree(autoinstall)) {
    throw new UsageError(
      `${path} is no user-data: it must begin with #cloud-config and have a map autoinstall`,
    );
  }
  const { answers } = profile;
  if (Array.isArray(answers)) {
    if (answers.length === 0) return text;
    throw new UsageError(
      `Profile ${profile.name}: answers is a list of preseed lines, but Ubuntu takes a map`,
      {
        hint: "Write answers as a map that is merged into autoinstall: answers: { packages: […] }",
      },
    );
  }
  if (Object.keys(answers).length === 0) return text;
  const merged = mergeLayers<Tree>([
    { source: path, value: autoinstall },
    { source: profile.name, value: answers as Tree },
  ]).value;
  // JSON, since every reader of YAML agrees on what a quoted text is.
  return `#cloud-config\n${json({ ...(document as Tree), autoinstall: merged }, 2)}\n`;
}
