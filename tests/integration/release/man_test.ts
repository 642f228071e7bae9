import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandTree } from "../../../lib/cli/app.ts";
import { describeFlags } from "../../../lib/cli/help/parameters.ts";
import { entriesOf, isRouteMap, type Target } from "../../../lib/cli/help/tree.ts";
import { run } from "../../../lib/process.ts";
import { tempDir } from "../../base/temp.ts";

const script = fileURLToPath(new URL("../../../release/man/man.ts", import.meta.url));

/** The pages as the task writes them. */
async function writtenPages() {
  const dir = await tempDir();
  const env = { SOURCE_DATE_EPOCH: "1767225600" };
  await run([Deno.execPath(), "run", "-A", "--no-check", script, dir.path], { env });
  const folder = join(dir.path, "man1");
  const files = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => join(folder, name)).sort();
  const plain = async (page: string) => {
    const { stdout } = await run(["mandoc", "-T", "utf8", "-O", "width=200", join(folder, page)]);
    return stdout.replace(/.[\b]/g, ""); // it prints bold by striking twice
  };
  return { ...dir, files, plain };
}

Deno.test("manual pages are faultless to mandoc and to groff", async () => {
  await using pages = await writtenPages();
  assert.ok(pages.files.length > 20);
  // Style is about the source's lines; what is wrong in the page begins at warning.
  const lint = await run(["mandoc", "-T", "lint", "-W", "warning", ...pages.files], {
    okStatus: [0, 1, 2, 3, 4],
  });
  assert.equal(lint.stdout + lint.stderr, "");
  for (const file of pages.files) {
    const { stderr } = await run(["groff", "-man", "-ww", "-T", "utf8", "-z", file]);
    assert.equal(stderr, "", file);
  }
});

Deno.test("a page says what a command is, takes, and ends with, and shows its examples to the letter", async () => {
  await using pages = await writtenPages();
  const page = await pages.plain("pim-ssh.1");
  for (
    const part of [
      /^PIM-SSH\(1\)/,
      /^NAME\n +pim-ssh \S Log in to a VM/m,
      /^SYNOPSIS\n +pim ssh \[--user USER\] /m,
      /^OPTIONS\n +--user USER\n? +Whom to log in as/m,
      /^ +-t, --tty\n? +A terminal/m,
      /^EXAMPLES\n/m,
      /^ +pim ssh web -- 'ls \*\.log \| wc -l'$/m,
      /^OPTIONS OF EVERY COMMAND\n +--project DIR/m,
      /^EXIT STATUS\n +0 +done\n/m,
      /^SEE ALSO\n +pim\(1\), pim-cp\(1\)/m,
      /2026-01-01/,
    ]
  ) assert.match(page, part);
  const completion = await pages.plain("pim-completion.1");
  assert.match(completion, /^ +bash +source <\(pim completion bash\)$/m, "what is indented stays as it is");
  assert.match(
    await pages.plain("pim.1"),
    /^ENVIRONMENT\n[^]*PIM_BUILD_DISK_SIZE[^]*^FILES\n[^]*isos\.d\/\*\.yml/m,
  );
});

Deno.test("every command and each of its flags is in the pages, and every page that one refers to is there", async () => {
  await using pages = await writtenPages();
  const text = (await Promise.all(pages.files.map((file) => pages.plain(file.split("/").at(-1) ?? "")))).join(
    "\n",
  );
  const missing: string[] = [];
  const look = (target: Target, name: string) => {
    if (isRouteMap(target)) {
      return entriesOf(target).forEach((each) => look(each.target, `${name} ${each.name}`));
    }
    if (!text.includes(name)) missing.push(name);
    for (const { term } of describeFlags(target.parameters)) {
      if (!text.includes(term)) missing.push(`${name} ${term}`);
    }
  };
  look(commandTree, "pim");
  assert.deepEqual(missing, []);
  const referred = [...text.matchAll(/\b(pim(?:-[a-z]+)?)\(1\)/g)].map(([, page]) => `${page}.1`);
  const names = pages.files.map((file) => file.split("/").at(-1));
  assert.deepEqual([...new Set(referred)].filter((page) => !names.includes(page)), []);
});
