import { messageOf, UsageError } from "../../errors.ts";
import { pimFolder } from "./record.ts";

/** A JSON object as it stands in ventoy.json. */
export type JsonObject = { [key: string]: unknown };

/** What Ventoy's menu shall do with one image of pim's. */
export interface ImagePlan {
  /** Path of the image from the top of the stick: "/debian.iso". */
  readonly image: string;
  readonly alias: string;
  /** Paths of its answer files; with several of them Ventoy asks which. */
  readonly templates: readonly string[];
}

const prefix = `/${pimFolder}/`;
const timeoutSeconds = 10;

/** Reads a ventoy.json. Throws {@linkcode UsageError} for one that Ventoy could not read either. */
export function parseVentoyJson(text: string | undefined, path: string): JsonObject {
  if (text === undefined || text.trim() === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw broken(path, messageOf(cause), cause);
  }
  if (!isObject(value)) throw broken(path, "it is no object");
  for (const key of ["auto_install", "menu_alias"]) {
    const list = value[key];
    if (list !== undefined && !(Array.isArray(list) && list.every(isObject))) {
      throw broken(path, `${key} is no list of objects`);
    }
  }
  return value;
}

function broken(path: string, why: string, cause?: unknown): UsageError {
  return new UsageError(`${path} cannot be read: ${why}. Nothing was written`, {
    cause,
    hint: "Correct it, or move it away; pim writes a new one where there is none.",
  });
}

/**
 * Puts pim's entries into a ventoy.json and leaves all others as they are. Keys are those of Ventoy's documentation of
 * its auto install and menu alias plugins.
 *
 * @param given the menu names that pim has given before: other ones are somebody else's and stay
 */
export function mergeVentoyJson(
  existing: JsonObject,
  plans: readonly ImagePlan[],
  given: Readonly<Record<string, string>>,
): JsonObject {
  const merged = { ...existing };
  setList(merged, "auto_install", autoInstall(objects(existing["auto_install"]), plans));
  setList(merged, "menu_alias", menuAlias(objects(existing["menu_alias"]), plans, given));
  return merged;
}

function setList(target: JsonObject, key: string, list: readonly JsonObject[]): void {
  if (list.length > 0) target[key] = list;
  else delete target[key];
}

function autoInstall(existing: readonly JsonObject[], plans: readonly ImagePlan[]): JsonObject[] {
  const kept = existing.flatMap((entry) => {
    const templates = templatesOf(entry);
    const foreign = templates.filter((path) => !path.startsWith(prefix));
    if (foreign.length === templates.length) return [entry];
    return foreign.length === 0 ? [] : [{ ...entry, template: foreign }];
  });
  const planned = plans.filter(({ templates }) => templates.length > 0);
  // Ventoy takes the first entry for an image, so pim's answer files join one that is somebody else's.
  const joined = kept.map((entry) => {
    const plan = planned.find(({ image }) => image === entry["image"]);
    return plan ? { ...entry, template: [...templatesOf(entry), ...plan.templates] } : entry;
  });
  const own = planned.filter(({ image }) => !kept.some((entry) => entry["image"] === image));
  return [...joined, ...own.map(({ image, templates }) => autoInstallEntry(image, templates))];
}

/** `autosel` counts from 1; with `timeout` the menu is shown for so long, which is the time to think better of it. */
function autoInstallEntry(image: string, templates: readonly string[]): JsonObject {
  return {
    image,
    template: [...templates],
    ...(templates.length === 1 ? { autosel: 1, timeout: timeoutSeconds } : {}),
  };
}

function menuAlias(
  existing: readonly JsonObject[],
  plans: readonly ImagePlan[],
  given: Readonly<Record<string, string>>,
): JsonObject[] {
  const foreign = existing.filter(({ image, alias }) => typeof image !== "string" || given[image] !== alias);
  const own = plans.filter(({ image }) => !foreign.some((entry) => entry["image"] === image));
  return [...foreign, ...own.map(({ image, alias }) => ({ image, alias }))];
}

/** The answer files of an entry: one, or a list. */
export function templatesOf({ template }: JsonObject): string[] {
  if (typeof template === "string") return [template];
  return Array.isArray(template) ? template.filter((each) => typeof each === "string") : [];
}

/** A name for Ventoy's menu, which is a text in GRUB's language. */
export function menuName(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are exactly what must not be in a name
  return text.replaceAll(/["\\$`\x00-\x1f]/g, " ").replaceAll(/\s+/g, " ").trim();
}

/** Keys that count in place of pim's for one kind of firmware: `auto_install_uefi` and the like. */
export function overridingKeys(json: JsonObject): string[] {
  return Object.keys(json).filter((key) => /^auto_install_(legacy|uefi|ia32|aa64|mips)$/.test(key));
}

/** The objects in a list that was checked. */
export function objects(list: unknown): readonly JsonObject[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
