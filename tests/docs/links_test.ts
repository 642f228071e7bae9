import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { exists } from "../../lib/files.ts";
import { root } from "../sources.ts";
import { type Document, documents } from "./documents.ts";

const all = await documents();

/** The links of a document to files here, with the heading that they name; code is not looked at. */
function links({ text }: Document): { file: string; heading?: string }[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)|<img[^>]*\bsrc="([^"]+)"/g)].map(([, a, b]) =>
    a ?? b ?? ""
  );
  return targets.filter((each) => !/^[a-z]+:/.test(each)).map((each) => {
    const [file = "", heading] = each.split("#");
    return { file, ...(heading !== undefined && { heading }) };
  });
}

/** The names under which headings can be linked to, as GitHub makes them. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-")
  );
}

Deno.test("every link between the documents leads to a file that is there, and to a heading in it", async () => {
  const wrong: string[] = [];
  let count = 0;
  for (const document of all) {
    for (const { file, heading } of links(document)) {
      count++;
      const path = file === "" ? document.path : join(dirname(document.path), file);
      const target = all.find((each) => each.path === path);
      const found = heading === undefined
        ? await exists(join(root, path))
        : anchors(target?.text ?? "").includes(heading);
      if (!found) wrong.push(`${document.path}: ${file}${heading === undefined ? "" : `#${heading}`}`);
    }
  }
  assert.ok(count > 20, "links were not found");
  assert.deepEqual(wrong, []);
});

Deno.test("every document of docs can be reached from the README", () => {
  const seen = new Set<string>();
  const visit = (path: string) => {
    const document = all.find((each) => each.path === path);
    if (document === undefined || seen.has(path)) return;
    seen.add(path);
    for (const { file } of links(document)) if (file !== "") visit(join(dirname(path), file));
  };
  visit("README.md");
  assert.deepEqual(all.map(({ path }) => path).filter((path) => !seen.has(path)), []);
});
