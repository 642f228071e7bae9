import assert from "node:assert/strict";
import { imagePlans } from "../../lib/ventoy/copy/image_plans.ts";
import {
  type ImagePlan,
  type JsonObject,
  menuName,
  mergeVentoyJson,
  overridingKeys,
  parseVentoyJson,
} from "../../lib/ventoy/stick/ventoy_json.ts";
import { ventoyProblems } from "./ventoy_json_rules.ts";

const web: ImagePlan = {
  image: "/debian.iso",
  alias: "Debian: installs web",
  templates: ["/pim/web/a.preseed.cfg"],
};
const both: ImagePlan = { ...web, templates: ["/pim/web/a.preseed.cfg", "/pim/db/a.preseed.cfg"] };
const plain: ImagePlan = { image: "/tools.iso", alias: "Tools", templates: [] };
const webEntry = { image: "/debian.iso", template: ["/pim/web/a.preseed.cfg"], autosel: 1, timeout: 10 };
const webAlias = { image: "/debian.iso", alias: "Debian: installs web" };

function problems(json: JsonObject): string[] {
  return ventoyProblems(JSON.stringify(json, null, 4), () => true);
}

Deno.test("one profile is chosen by itself after ten seconds; of several, Ventoy's menu asks which", () => {
  const one = mergeVentoyJson({}, [web, plain], {});
  assert.deepEqual(one, {
    auto_install: [webEntry],
    menu_alias: [webAlias, { image: "/tools.iso", alias: "Tools" }],
  });
  const two = mergeVentoyJson({}, [both], {});
  assert.deepEqual(two["auto_install"], [{ image: "/debian.iso", template: both.templates }]);
  assert.deepEqual([...problems(one), ...problems(two)], []);
});

Deno.test("keys and entries of others stay as they are, in their order", () => {
  const theirs: JsonObject = {
    theme: { file: "/ventoy/theme.txt" },
    control: [{ VTOY_DEFAULT_MENU_MODE: "1" }],
    auto_install: [{ parent: "/win", template: "/ventoy/win.xml" }],
    menu_alias: [{ dir: "/win", alias: "[Windows]" }],
  };
  const merged = mergeVentoyJson(theirs, [web], {});
  assert.deepEqual(Object.keys(merged), ["theme", "control", "auto_install", "menu_alias"]);
  assert.deepEqual([merged["theme"], merged["control"]], [theirs["theme"], theirs["control"]]);
  assert.deepEqual(merged["auto_install"], [{ parent: "/win", template: "/ventoy/win.xml" }, webEntry]);
  assert.deepEqual(merged["menu_alias"], [{ dir: "/win", alias: "[Windows]" }, webAlias]);
  assert.deepEqual(problems(merged), []);
});

Deno.test("merging again changes nothing, and what is pim's and not wanted any more goes", () => {
  const given = { "/debian.iso": web.alias };
  const once = mergeVentoyJson({}, [web], {});
  assert.deepEqual(mergeVentoyJson(once, [web], given), once);
  assert.deepEqual(mergeVentoyJson(once, [], given), {});
  const renamed = mergeVentoyJson(once, [{ ...both, alias: "New" }], given);
  assert.deepEqual(renamed["menu_alias"], [{ image: "/debian.iso", alias: "New" }]);
});

Deno.test("an entry of somebody else's for the same image keeps its choice and gets pim's files beside its own", () => {
  const theirs = { image: "/debian.iso", template: "/ventoy/mine.cfg", autosel: 1 };
  const once = mergeVentoyJson({ auto_install: [theirs] }, [web], {});
  assert.deepEqual(once["auto_install"], [
    { image: "/debian.iso", template: ["/ventoy/mine.cfg", "/pim/web/a.preseed.cfg"], autosel: 1 },
  ]);
  assert.deepEqual(mergeVentoyJson(once, [web], { "/debian.iso": web.alias }), once);
  assert.deepEqual(mergeVentoyJson(once, [], {})["auto_install"], [{
    ...theirs,
    template: ["/ventoy/mine.cfg"],
  }]);
});

Deno.test("a menu name that somebody else has given an image stays", () => {
  const theirs = { image: "/debian.iso", alias: "My Debian" };
  const merged = mergeVentoyJson({ menu_alias: [theirs] }, [web], {
    "/debian.iso": "an earlier one of pim's",
  });
  assert.deepEqual(merged["menu_alias"], [theirs]);
});

Deno.test("a ventoy.json that cannot be read is refused in words; an empty one and a byte order mark are no mistake", () => {
  for (
    const [text, why] of [
      ["{ auto_install: [] }", /cannot be read: .*Nothing was written/],
      ["[]", /it is no object/],
      ['{ "auto_install": {} }', /auto_install is no list of objects/],
      ['{ "menu_alias": ["x"] }', /menu_alias is no list of objects/],
      ['{ "a": 1, // comment\n }', /cannot be read/],
    ] as const
  ) assert.throws(() => parseVentoyJson(text, "/m/ventoy/ventoy.json"), why, text);
  assert.deepEqual(parseVentoyJson(undefined, "x"), {});
  assert.deepEqual(parseVentoyJson(" \n", "x"), {});
  assert.deepEqual(parseVentoyJson('\ufeff{"a": 1}', "x"), { a: 1 });
});

Deno.test("keys for one kind of firmware take precedence and are told of", () => {
  assert.deepEqual(overridingKeys({ auto_install_uefi: [], auto_install: [], theme_uefi: {} }), [
    "auto_install_uefi",
  ]);
});

Deno.test("menu names are free of what GRUB would take for its own", () => {
  assert.equal(menuName('Debian "13" $HOME \\ `x`\n ä'), "Debian 13 HOME x ä");
});

Deno.test("an ISO's menu name tells which profiles it installs", () => {
  const iso = {
    key: "d",
    name: "Debian",
    file: "d.iso",
    bytes: 1,
    mtimeMs: 1,
    algorithm: "sha256",
    hash: "",
  } as const;
  const answer = (profile: string) => ({
    profile,
    iso: "d",
    file: `/pim/${profile}/d.preseed.cfg`,
    sha256: "",
  });
  assert.deepEqual(imagePlans({ isos: [iso], answers: [answer("web"), answer("db")] }), [{
    image: "/d.iso",
    alias: "Debian: installs web or db",
    templates: ["/pim/web/d.preseed.cfg", "/pim/db/d.preseed.cfg"],
  }]);
  assert.deepEqual(imagePlans({ isos: [iso], answers: [] }), [{
    image: "/d.iso",
    alias: "Debian",
    templates: [],
  }]);
});
