import { profileSchema } from "../../lib/profile/schema.ts";
import { interfaceComments } from "./comments.ts";
import { exampleProfile } from "./example_profile.ts";
import { type Field, fieldsOf } from "./shape.ts";

const types = new URL("../../lib/profile/types.ts", import.meta.url);

/** Every field of a profile: what its value is, its default, what it means, an example. */
export async function profileReference(): Promise<string> {
  const source = await Deno.readTextFile(types);
  const comments = {
    Profile: interfaceComments(source, "Profile"),
    partitioning: interfaceComments(source, "Partitioning"),
    build: interfaceComments(source, "BuildOptions"),
  };
  const sections = fieldsOf(profileSchema).flatMap((field) => {
    const { key, inner } = field;
    const comment = comments.Profile.get(key);
    if (inner.length === 0) {
      return [section(field, key, comment, exampleProfile[key as keyof typeof exampleProfile])];
    }
    const name = key as "partitioning" | "build";
    const examples: Readonly<Record<string, unknown>> = exampleProfile[name];
    return [
      [`### ${key}`, "", comment ?? ""].join("\n"),
      ...inner.map((each) =>
        section(each, `${key}.${each.key}`, comments[name].get(each.key), examples[each.key])
      ),
    ];
  });
  return sections.join("\n\n");
}

function section(
  { key, shape }: Field,
  title: string,
  comment: string | undefined,
  example: unknown,
): string {
  if (!comment) throw new Error(`lib/profile/types.ts says nothing of ${title}`);
  const [sentence, fallback = "none"] = /(?:^| )Default:? (.+?)\.(?= |$)/.exec(comment) ?? [""];
  const meaning = comment.replace(sentence, "").trim();
  const level = title.includes(".") ? "####" : "###";
  return [
    `${level} ${title}`,
    "",
    meaning,
    "",
    `- Value: ${shape}`,
    `- Default: ${/^(".*"|\d+|true|false)$/.test(fallback) ? `\`${fallback}\`` : fallback}`,
    `- Example: \`${key}: ${literal(example)}\``,
  ].join("\n");
}

function literal(value: unknown): string {
  return Deno.inspect(value).replace(/^\[ (.*) \]$/s, "[$1]");
}
