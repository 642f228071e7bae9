import { join } from "node:path";
import { exampleDir } from "../../lib/config/folders.ts";
import { environmentName, settingKeys, settingsSchema } from "../../lib/config/settings.ts";
import { type Field, fieldsOf } from "./shape.ts";
import { table } from "./table.ts";

// config.example/pim.yml shows every setting and says what it is; a test compares its values with the built-in ones.
const example = join(exampleDir, "pim.yml");

/** Every setting of pim.yml: what its value is, its default, what it means. */
export async function settingsReference(): Promise<string> {
  const shown = readExample(await Deno.readTextFile(example));
  const shapes = shapesOf(fieldsOf(settingsSchema), "");
  const sections = Object.keys(settingsSchema.entries).map((section) => {
    const rows = settingKeys().filter(([first]) => first === section).map((path) => {
      const key = path.join(".");
      const entry = shown.get(key);
      if (entry === undefined || entry.comment === "") {
        throw new Error(`config.example/pim.yml says nothing of ${key}`);
      }
      // "bytes per second for all downloads together; default: none"
      const [comment, without] = entry.comment.split(/[;:,]? ?\bdefault: /);
      const value = without === undefined ? `\`${entry.value}\`` : `${without}; such as \`${entry.value}\``;
      return [`\`${key}\``, comment ?? "", shapes.get(key) ?? "", value];
    });
    return [`### ${section}`, "", table(["setting", "what it is", "value", "default"], rows)].join("\n");
  });
  const sample = settingKeys().find((path) => path.join(".") === "build.disk_size") ?? [];
  return [...sections, `The variable of a setting is its name in capitals: \`${environmentName(sample)}\`.`]
    .join("\n\n");
}

interface Shown {
  readonly value: string;
  readonly comment: string;
}

/** What pim.yml of the example shows: `# build:`, `#   memory: 2048   # memory of a build VM`. */
function readExample(text: string): Map<string, Shown> {
  const found = new Map<string, Shown>();
  const path: string[] = [];
  for (const line of text.split("\n")) {
    const [, indent, key, value = "", comment = ""] =
      /^# ( *)([a-z_]+):(?: (.*?))?(?:\s+# (.*))?$/.exec(line) ?? [];
    if (indent === undefined || key === undefined) continue;
    path.length = indent.length / 2;
    path.push(key);
    if (value !== "") found.set(path.join("."), { value, comment });
  }
  return found;
}

function shapesOf(fields: readonly Field[], prefix: string): Map<string, string> {
  return new Map(
    fields.flatMap(({ key, shape, inner }) =>
      inner.length === 0 ? [[`${prefix}${key}`, shape] as const] : [...shapesOf(inner, `${prefix}${key}.`)]
    ),
  );
}
