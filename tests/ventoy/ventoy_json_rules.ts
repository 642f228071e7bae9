// What Ventoy's documentation says of ventoy.json, for the two plugins that pim uses:
// https://www.ventoy.net/en/plugin_autoinstall.html, https://www.ventoy.net/en/plugin_menualias.html

type Json = Record<string, unknown>;

const autoInstallKeys = ["image", "parent", "template", "autosel", "timeout"];
const aliasKeys = ["image", "dir", "alias"];

/** What Ventoy would not understand in a ventoy.json; `exists` tells whether a path from the top of the stick is there. */
export function ventoyProblems(text: string, exists: (path: string) => boolean): string[] {
  const json = JSON.parse(text) as Json;
  const problems: string[] = [];
  if (text.startsWith("\ufeff")) problems.push("it begins with a byte order mark");
  if (/\\u/.test(text)) problems.push("it has \\u escapes, which Ventoy's own reader does not know");
  for (const entry of list(json, "auto_install", problems)) {
    unknownKeys(entry, autoInstallKeys, problems);
    path(entry["image"] ?? entry["parent"], "image", exists, problems);
    const templates = Array.isArray(entry["template"]) ? entry["template"] : [entry["template"]];
    if (templates.length === 0) problems.push("no template");
    for (const template of templates) path(template, "template", exists, problems);
    number(entry, "autosel", 0, templates.length, problems);
    number(entry, "timeout", 0, 3600, problems);
  }
  for (const entry of list(json, "menu_alias", problems)) {
    unknownKeys(entry, aliasKeys, problems);
    path(entry["image"] ?? entry["dir"], "image", exists, problems);
    const alias = entry["alias"];
    // It becomes a text between double quotes in a script of GRUB's.
    if (typeof alias !== "string" || /["\\$`]/.test(alias)) problems.push(`alias ${alias}`);
  }
  return problems;
}

function list(json: Json, key: string, problems: string[]): Json[] {
  const value = json[key];
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length === 0) problems.push(`${key} is no list, or an empty one`);
  return Array.isArray(value) ? value : [];
}

function unknownKeys(entry: Json, known: readonly string[], problems: string[]): void {
  problems.push(
    ...Object.keys(entry).filter((key) => !known.includes(key)).map((key) => `unknown key ${key}`),
  );
}

function path(value: unknown, what: string, exists: (path: string) => boolean, problems: string[]): void {
  if (typeof value !== "string" || !value.startsWith("/") || value.endsWith("/")) {
    problems.push(`${what} ${value} is no full path`);
  } else if (!value.includes("*") && !exists(value)) problems.push(`${what} ${value} is not there`);
}

function number(entry: Json, key: string, least: number, most: number, problems: string[]): void {
  const value = entry[key];
  if (value === undefined) return;
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    problems.push(`${key} ${value}`);
  }
}
