import { join } from "node:path";
import { exampleDir } from "../../lib/config/folders.ts";
import { targetTypes } from "../../lib/deploy/target_types.ts";
import { schemaComments } from "./comments.ts";
import { type Field, fieldsOf } from "./shape.ts";
import { table } from "./table.ts";

const room = new URL("../../lib/deploy", import.meta.url).pathname;

/** Every type of target: an example, and each setting with its value, default and meaning. */
export async function targetsReference(): Promise<string> {
  const sources = await readSources(room);
  const examples = readExamples(await Deno.readTextFile(join(exampleDir, "targets.d/targets.yml")));
  return targetTypes.map(({ type, brief, schema, verifies = false }) => {
    const rows = rowsOf(fieldsOf(schema), type, sources);
    if (verifies) rows.push(verifyRow);
    return [
      `## ${type}`,
      `${brief[0]?.toUpperCase()}${brief.slice(1)}.`,
      `\`\`\`yaml\n${examples.get(type)}\n\`\`\``,
      table(["setting", "what it is", "value", "default"], rows),
    ].join("\n\n");
  }).join("\n\n");
}

// A setting of the entry itself, in no type's schema.
const verifyRow = [
  "`verify`",
  "Whether what has arrived is started and checked as `pim verify` does.",
  "`true` or `false`",
  "`false`",
];

/** A row for each setting, and below one that is a map for each in it. */
function rowsOf(fields: readonly Field[], path: string, sources: readonly string[]): string[][] {
  const comments = commentsOf(fields.map(({ key }) => key), sources);
  if (comments === undefined) throw new Error(`No source in lib/deploy has the schema of ${path}`);
  return fields.flatMap((field) => {
    const inner = `${path}.${field.key}`;
    const comment = comments.get(field.key);
    if (!comment) throw new Error(`The schema of ${path} says nothing of ${field.key}`);
    const name = inner.slice(inner.indexOf(".") + 1);
    const row = [`\`${name}\``, comment, field.shape, defaultOf(field)];
    return [row, ...(field.inner.length === 0 ? [] : rowsOf(field.inner, inner, sources))];
  });
}

function defaultOf(field: Field): string {
  if (field.required) return "**required**";
  return field.default === undefined ? "none" : `\`${JSON.stringify(field.default)}\``;
}

function commentsOf(keys: readonly string[], sources: readonly string[]): Map<string, string> | undefined {
  for (const source of sources) {
    const comments = schemaComments(source, keys);
    if (comments !== undefined) return comments;
  }
}

/** The texts of the files that have schemas. */
async function readSources(folder: string): Promise<string[]> {
  const texts: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) texts.push(...await readSources(path));
    else texts.push(await Deno.readTextFile(path));
  }
  return texts.filter((text) => text.includes("v.strictObject"));
}

/** The examples of targets.yml by their type, without the mark before each line. */
function readExamples(text: string): Map<string, string> {
  return new Map(
    text.split("\n\n").flatMap((block) => {
      const lines = block.trim().split("\n").map((line) => line.slice(2));
      const type = /^ {2}type: (\w+)$/m.exec(lines.join("\n"))?.[1];
      const begin = lines.findIndex((line) => /^[a-z_]+:$/.test(line));
      return type === undefined ? [] : [[type, lines.slice(begin).join("\n")] as const];
    }),
  );
}
