import { isTree, type Tree } from "../../config/merge.ts";
import { parseYaml } from "../../config/yaml.ts";
import { json } from "../../serve/template_data.ts";
import { replaceFetch, replaceFetches } from "./fetches.ts";

/**
 * User-data that needs no seed server: the late command is in the command that fetched it. It is written with
 * `autoinstall:` at the beginning of a line, by which Ventoy tells it from a preseed.
 *
 * @param chooseDisk whether the first disk that is not on USB shall be installed on
 */
export function standaloneUserData(text: string, script: string, chooseDisk: boolean): string {
  const document = parseYaml(text, "user-data").value as Tree;
  const before = document["autoinstall"] as Tree;
  const make = (file: string) => `echo ${base64(script)} | base64 -d > ${file}`;
  const replace = (command: unknown) =>
    typeof command === "string"
      ? replaceFetches(command, make)
      : Array.isArray(command)
      ? replaceFetch(command, make)
      : command;
  const commands = Object.fromEntries(
    Object.entries(before)
      .filter(([key, value]) => key.endsWith("-commands") && Array.isArray(value))
      .map(([key, value]) => [key, (value as unknown[]).map(replace)]),
  );
  const autoinstall = { ...before, ...commands };
  const chosen = chooseDisk ? withoutUsb(autoinstall) : autoinstall;
  const lines = Object.entries({ ...document, autoinstall: chosen }).map(([key, value]) =>
    `${/^[\w-]+$/.test(key) ? key : json(key)}: ${json(value)}`
  );
  return `#cloud-config\n${lines.join("\n")}\n`;
}

const placeholder = "/dev/pim-chooses";
const yaml = "/autoinstall.yaml";

// Subiquity reads its file again after the early commands, which may change it: "early-commands" in its reference. With
// no disk but those on USB the placeholder stays, and nothing is installed.
const choose = 'disk=$(lsblk -dnrpo NAME,TYPE,TRAN | awk \'$2 == "disk" && $3 != "usb" && $1 !~ /loop|ram/ ' +
  `{ print $1; exit }'); if [ -n "$disk" ]; then sed -i "s|${placeholder}|$disk|" ${yaml}; fi`;

/** A guided layout without a match takes the largest disk, which may be the stick. */
function withoutUsb(autoinstall: Tree): Tree {
  const storage = autoinstall["storage"];
  const layout = isTree(storage) ? storage["layout"] : undefined;
  if (!isTree(storage) || !isTree(layout) || layout["match"] !== undefined) return autoinstall;
  const early = autoinstall["early-commands"];
  return {
    ...autoinstall,
    "early-commands": [["sh", "-c", choose], ...(Array.isArray(early) ? early : [])],
    storage: { ...storage, layout: { ...layout, match: { path: placeholder } } },
  };
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
