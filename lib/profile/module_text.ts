import type { Profile } from "./types.ts";

/** The text of a profile module with these values. */
export function profileModule(profile: Profile): string {
  return `import type { Profile } from "pim";\n\nexport default ${literal(profile, "")} satisfies Profile;\n`;
}

/** A value as a TypeScript literal, one field a line. */
function literal(value: unknown, indent: string): string {
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const flat = `[${value.map((item) => literal(item, deeper)).join(", ")}]`;
    if (flat.length + indent.length <= 90) return flat;
    return `[\n${value.map((item) => `${deeper}${literal(item, deeper)},\n`).join("")}${indent}]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
  if (fields.length === 0) return "{}";
  const key = (name: string) => /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
  return `{\n${
    fields.map(([name, inner]) => `${deeper}${key(name)}: ${literal(inner, deeper)},\n`).join("")
  }${indent}}`;
}
