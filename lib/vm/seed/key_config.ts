import { UsageError } from "../../errors.ts";
import { isTree, type Tree } from "../../config/merge.ts";
import { parseYaml } from "../../config/yaml.ts";
import type { MessagePart } from "./multipart.ts";
import { userDataType } from "./user_data.ts";

/** User-data of settings only. */
export function cloudConfig(settings: Tree): string {
  // JSON, since every reader of YAML agrees on what a quoted text is.
  return `#cloud-config\n${JSON.stringify(settings, null, 2)}\n`;
}

/**
 * Settings that give keys to the image's user, and touch nobody else: a list without `default` keeps cloud-init from
 * making a user of its own. Where the user is not known, the keys are for cloud-init's default user.
 */
export function keysAlone(username: string | undefined, keys: readonly string[]): Tree {
  return username === undefined ? { ssh_authorized_keys: keys } : { users: [userWithKeys(username, keys)] };
}

/** A part that adds keys to what the user-data says, which keeps its meaning; throws UsageError where that cannot be. */
export function keysBeside(
  userData: string,
  username: string | undefined,
  keys: readonly string[],
): MessagePart {
  const settings = settingsOf(userData);
  const part = { name: "pim-ssh-key", type: "text/cloud-config" };
  const merge = { merge_how: "list(append)+dict(no_replace,recurse_list)+str()" };
  if (username === undefined) {
    requireList(settings, "ssh_authorized_keys");
    return { ...part, text: cloudConfig({ ...merge, ssh_authorized_keys: keys }) };
  }
  const place = placeOf(settings, username);
  if (place !== undefined) {
    return { ...part, type: "text/cloud-config-jsonp", text: addKeys(place, keys) };
  }
  requireList(settings, "users");
  // Of templates, scripts and includes only cloud-init knows what they say in the end.
  const hasUsers = settings === undefined ? /^\s*users\s*:/m.test(userData) : "users" in settings;
  // Without a list of users there is one user, the default one, and there must be still.
  const users = [...(hasUsers ? [] : ["default"]), userWithKeys(username, keys)];
  return { ...part, text: cloudConfig({ ...merge, users }) };
}

/** Unless told otherwise, cloud-init locks the password even of a user that is there already. */
function userWithKeys(name: string, keys: readonly string[]): Tree {
  return { name, lock_passwd: false, ssh_authorized_keys: keys };
}

function settingsOf(userData: string): Tree | undefined {
  if (userDataType(userData) !== "text/cloud-config") return undefined;
  const { value } = parseYaml(userData, "user-data", { version: "1.1" });
  return isTree(value) ? value : undefined;
}

function requireList(settings: Tree | undefined, key: string): void {
  if (settings === undefined || !(key in settings) || Array.isArray(settings[key])) return;
  throw new UsageError(`The user-data has ${key} that are not a list, so no SSH key can be added to them`, {
    hint: `Write ${key} as a list, one entry a line after "- ".`,
  });
}

/** Where settings speak of a user: the path in JSON, and what is there. */
interface Place {
  readonly path: string;
  readonly user: Tree;
}

/** Of two entries for a user cloud-init takes the first one's keys only, so a second one is no way to add some. */
function placeOf(settings: Tree | undefined, username: string): Place | undefined {
  const { user, users } = settings ?? {};
  const places = [
    ...(Array.isArray(users) ? users.map((each, index) => ({ path: `/users/${index}`, user: each })) : []),
    { path: "/user", user },
  ];
  return places.find((place): place is Place => isTree(place.user) && place.user["name"] === username);
}

/** A JSON patch (RFC 6902), which cloud-init applies to the settings before it. */
function addKeys({ path, user }: Place, keys: readonly string[]): string {
  const field = "ssh-authorized-keys" in user ? "ssh-authorized-keys" : "ssh_authorized_keys";
  const known = user[field];
  const patch = Array.isArray(known)
    ? keys.map((key) => ({ op: "add", path: `${path}/${field}/-`, value: key }))
    : [{
      op: "add",
      path: `${path}/${field}`,
      value: [...(typeof known === "string" ? [known] : []), ...keys],
    }];
  return `#cloud-config-jsonp\n${JSON.stringify(patch, null, 2)}\n`;
}
