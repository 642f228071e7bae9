import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "js-yaml";
import * as v from "valibot";
import denoConfig from "../../deno.json" with { type: "json" };

const folder = fileURLToPath(new URL("../../.github/workflows/", import.meta.url));

const permissions = v.record(v.string(), v.picklist(["read", "write", "none"]));
// What a workflow may have here; another key is a question for whoever adds it.
const workflowSchema = v.object({
  name: v.string(),
  on: v.record(v.string(), v.unknown()),
  permissions,
  jobs: v.record(
    v.string(),
    v.object({
      "timeout-minutes": v.number(),
      permissions: v.optional(permissions),
      steps: v.array(v.union([
        v.object({ uses: v.string(), with: v.optional(v.record(v.string(), v.unknown())) }),
        v.object({ run: v.string(), env: v.optional(v.record(v.string(), v.string()), {}) }),
      ])),
    }),
  ),
});

type Workflow = v.InferOutput<typeof workflowSchema>;

async function readWorkflows(): Promise<Map<string, Workflow>> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  const texts = await Promise.all(names.map((name) => Deno.readTextFile(join(folder, name))));
  return new Map(names.map((name, index) => [name, v.parse(workflowSchema, load(texts[index] ?? ""))]));
}

const workflows = await readWorkflows();
const jobs = [...workflows].flatMap(([file, { jobs }]) =>
  Object.entries(jobs).map(([name, job]) => ({ file, name: `${file}: ${name}`, ...job }))
);
const uses = jobs.flatMap((job) => job.steps.flatMap((step) => "uses" in step ? [{ job, ...step }] : []));
const runs = jobs.flatMap((job) => job.steps.flatMap((step) => "run" in step ? [{ job, ...step }] : []));

Deno.test("the workflows are those of changes, releases and the catalog", () => {
  assert.deepEqual([...workflows.keys()], ["catalog.yml", "ci.yml", "release.yml"]);
  assert.deepEqual(workflows.get("release.yml")?.on, { push: { tags: ["v*"] } });
  assert.ok(workflows.get("catalog.yml")?.on["schedule"]);
});

Deno.test("whatever a workflow does with Deno is a task that a person can type", () => {
  const commands = runs.flatMap(({ run }) => run.split("\n")).filter((line) =>
    /\b(deno|npx|npm)\b/.test(line)
  );
  assert.ok(commands.length >= 8, commands.join("\n"));
  for (const command of commands) {
    const [, task = ""] = /^deno task ([a-z:]+)( [^;&|]*)?$/.exec(command) ?? [];
    assert.ok(task in denoConfig.tasks, command);
  }
});

Deno.test("a release makes everything from what a person types", () => {
  const build = runs.filter(({ job }) => job.name === "release.yml: build").map(({ run }) => run);
  assert.deepEqual(build, [
    'deno task release:check "$GITHUB_REF_NAME"',
    "deno task test:prepare",
    "deno task ok",
    "deno task test:binary",
    "deno task compile --all",
    "deno task man",
    "deno task release:assets",
  ]);
});

Deno.test("a job that may write runs nothing of the repository, and the others may only read", () => {
  for (const job of jobs) {
    const allowed = { ...(job.permissions ?? workflows.get(job.file)?.permissions) };
    if (job.name === "release.yml: publish") {
      assert.deepEqual(allowed, { contents: "write", "id-token": "write", attestations: "write" });
      const actions = uses.filter((each) => each.job === job).map((each) => each.uses.split("@")[0]);
      assert.deepEqual(actions, ["actions/download-artifact", "actions/attest-build-provenance"]);
    } else assert.deepEqual(allowed, { contents: "read" }, job.name);
  }
});

Deno.test("no workflow runs on what strangers send with more than that", () => {
  for (const [name, { on }] of workflows) {
    assert.ok(!("pull_request_target" in on || "workflow_run" in on || "issue_comment" in on), name);
  }
});

Deno.test("actions are pinned to a commit, with the version that it is, and all workflows use the same", async () => {
  const pins = new Map<string, string>();
  for (const file of workflows.keys()) {
    const text = await Deno.readTextFile(join(folder, file));
    for (const [, action = ""] of text.matchAll(/^ +(?:- )?uses: (.*)$/gm)) {
      const [, name = "", pin = ""] = /^([\w-]+\/[\w-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)$/.exec(action) ?? [];
      assert.notEqual(pin, "", `${file}: ${action}`);
      assert.equal(pins.get(name) ?? pin, pin, `${file}: ${action}`);
      pins.set(name, pin);
    }
  }
  assert.equal(pins.size, new Set(uses.map((each) => each.uses)).size);
});

Deno.test("what runs after a checkout finds no token in it", () => {
  const checkouts = uses.filter((each) => each.uses.startsWith("actions/checkout@"));
  assert.equal(checkouts.length, jobs.filter(({ name }) => name !== "release.yml: publish").length);
  for (const { with: options, job } of checkouts) {
    assert.equal(options?.["persist-credentials"], false, job.name);
  }
});

Deno.test("the gate runs where everything is installed that its tests need", () => {
  const gates = jobs.map(({ name }) => runs.filter(({ job }) => job.name === name).map(({ run }) => run))
    .filter((commands) => commands.includes("deno task ok"));
  assert.equal(gates.length, 2);
  for (const commands of gates) {
    assert.ok(commands.slice(0, commands.indexOf("deno task ok")).includes("deno task test:prepare"));
  }
});

Deno.test("a release is there with all its files or not at all", () => {
  const commands = runs.map(({ run }) => run).filter((each) => each.includes("gh release"));
  assert.equal(commands.length, 1);
  assert.match(
    commands[0] ?? "",
    /^gh release create "\$GITHUB_REF_NAME" [^]*dist\/SHA256SUMS \$\(awk .*\)\n$/,
  );
  assert.equal(commands[0]?.match(/gh release/g)?.length, 1);
});

Deno.test("all workflows use the same Deno", () => {
  const setups = uses.filter((each) => each.uses.startsWith("denoland/setup-deno@"));
  assert.equal(setups.length, jobs.filter(({ name }) => name !== "release.yml: publish").length);
  const versions = new Set(setups.map((setup) => setup.with?.["deno-version"]));
  assert.match([...versions].join(), /^\d+\.\d+\.x$/);
});

Deno.test("no command has an expression in it, which whoever names a branch or a tag could write", () => {
  for (const { run, job } of runs) assert.doesNotMatch(run, /\$\{\{/, job.name);
});

Deno.test("every job ends in time", () => {
  for (const job of jobs) assert.ok(job["timeout-minutes"] <= 60, job.name);
});
