import assert from "node:assert/strict";
import { UsageError } from "../../lib/errors.ts";
import { renderTemplate } from "../../lib/serve/template.ts";

const data = {
  hostname: "web1",
  mirrorHost: undefined,
  packages: ["git", "vim"],
  partitioning: { method: "lvm" },
  vars: { role: "db" },
  count: 3,
  json: (value: unknown) => JSON.stringify(value),
};

function render(text: string): Promise<string> {
  return renderTemplate({ path: "preseeds.d/x.cfg.eta", text }, data);
}

async function failure(text: string): Promise<UsageError> {
  try {
    await render(text);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error;
  }
  return assert.fail("it should have failed");
}

Deno.test("A line that holds only a tag leaves nothing, a printed value keeps its line break", async () => {
  const text =
    "a\n<% if (it.mirrorHost) { %>\nmirror\n  <% } else { %>\nnone <%= it.hostname %>\n<% } %>\nz\n";
  assert.equal(await render(text), "a\nnone web1\nz\n");
});

Deno.test("Values are printed as they are, without escaping", async () => {
  assert.equal(await renderTemplate({ path: "x", text: "<%= it.a %>" }, { a: `<&"'` }), `<&"'`);
});

Deno.test("Windows line ends in a template do not reach its output", async () => {
  assert.equal(await render("a\r\n<%= it.count %>\r\n"), "a\n3\n");
});

Deno.test("A misspelt variable is an error with file, line and the name that was meant", async () => {
  const error = await failure("a\nb\nd-i x string <%= it.hostnam %>\n");
  assert.equal(error.message, "preseeds.d/x.cfg.eta:3: it.hostnam is not defined");
  assert.equal(error.hint, "Did you mean it.hostname?");
  assert.equal(error.exitCode, 2);
});

Deno.test("A misspelt variable is an error at any depth and inside conditions", async () => {
  const nested = await failure("\n<%= it.partitioning.methot %>");
  assert.equal(nested.message, "preseeds.d/x.cfg.eta:2: it.partitioning.methot is not defined");
  assert.equal(nested.hint, "Did you mean it.partitioning.method?");
  assert.match(
    (await failure("<% if (it.mirorHost) { %>x<% } %>")).message,
    /:1: it\.mirorHost is not defined/,
  );
  assert.match(
    (await failure("<%= it.packages.jion(' ') %>")).hint ?? "",
    /Did you mean it\.packages\.join\?/,
  );
});

Deno.test("A free variable can be tested for, and its absence is explained", async () => {
  assert.equal(await render(`<%= "role" in it.vars ? it.vars.role : "none" %>`), "db");
  assert.equal(await render(`<%= "size" in it.vars ? it.vars.size : "none" %>`), "none");
  const error = await failure("<%= it.vars.diskPassphrase %>");
  assert.equal(
    error.hint,
    'Set vars.diskPassphrase in the profile, or test for it with: "diskPassphrase" in it.vars',
  );
});

Deno.test("A known value that is not set cannot be printed by accident", async () => {
  const error = await failure("one\n<%= it.mirrorHost %>\n");
  assert.equal(error.message, "preseeds.d/x.cfg.eta:2: it.mirrorHost has no value");
  assert.equal(error.hint, "Guard it with: <% if (it.mirrorHost) { %>");
  assert.equal(await render(`<%= it.mirrorHost ?? "mirror.example.org" %>`), "mirror.example.org");
});

Deno.test("A list or a map is printed only in a form that was asked for", async () => {
  assert.equal((await failure("<%= it.packages %>")).hint, 'Print it with: <%= it.packages.join(" ") %>');
  assert.match((await failure("<%= it.partitioning %>")).message, /it\.partitioning is a map, not text/);
  assert.equal(
    await render("<%= it.json(it.packages) %><%= it.json(it.partitioning) %>"),
    '["git","vim"]{"method":"lvm"}',
  );
});

Deno.test("Templates cannot change what they are given", async () => {
  assert.match((await failure("<% it.hostname = 'x' %>")).message, /it\.hostname cannot be set/);
});

Deno.test("A run-time error inside a tag of several lines names the line it is on", async () => {
  assert.match((await failure("a\n<%\n  const a = 1;\n  const b = it.nope;\n%>\n")).message, /:4: it\.nope/);
  assert.match(
    (await failure("a\n<% const a = 1;\n  throw new Error('own words');\n%>\n")).message,
    /:3: own words/,
  );
  assert.match((await failure("a\n<%\n\n\nmissing();\n%>")).message, /:5: missing is not defined/);
});

Deno.test("A JavaScript error names the line of its tag", async () => {
  assert.match((await failure("a\nb <%= it.hostname + %>\nc")).message, /^preseeds\.d\/x\.cfg\.eta:2: /);
  assert.match(
    (await failure("<% if (it.count) { %>\nx\n<% } } %>\ny\n")).message,
    /^preseeds\.d\/x\.cfg\.eta:3: /,
  );
  assert.match(
    (await failure(
      "<% for (const p of it.packages) { %>\n<% it.packages.forEach((p) => { %>\n<% const const %>\n",
    )).message,
    /^preseeds\.d\/x\.cfg\.eta:3: /,
  );
});

Deno.test("A block or a tag that is not closed is told apart", async () => {
  assert.match(
    (await failure("a\n<% if (it.count) { %>\nx\n")).message,
    /:3: a block is still open at the end/,
  );
  assert.match((await failure("a\n<%= it.hostname\nx\n")).message, /:2: unclosed tag/);
  assert.match((await failure("a\n<% // it's\n %>\n")).hint ?? "", /quote in a \/\/ comment/);
});
