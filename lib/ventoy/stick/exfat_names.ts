/** A text as a name of a file that exFAT, FAT and Ventoy's menu take. */
export function stickName(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are exactly what must not be in a name
  const name = text.replaceAll(/[\x00-\x1f\x7f"*/:<>?\\|]/g, "_").replace(/[. ]+$/, "").slice(0, 200);
  return name === "" || /^\.+$/.test(name) ? "_" : name;
}

/** Why a file cannot have this name on a stick; undefined when it can. */
export function refuseName(name: string): string | undefined {
  // deno-lint-ignore no-control-regex -- control characters are exactly what must not be in a name
  const bad = /[\x00-\x1f\x7f"*/:<>?\\|]/.exec(name)?.[0];
  if (bad !== undefined) return `exFAT takes no ${JSON.stringify(bad)} in a name`;
  if (/[. ]$/.test(name)) return "exFAT takes no name that ends in a dot or blank";
  return undefined;
}
