import assert from "node:assert/strict";
import * as v from "valibot";
import { readReference, showReference } from "../../../../lib/deploy/oci/reference.ts";
import { destination, schema } from "../../../../lib/deploy/oci/settings.ts";
import { sampleImage } from "../../../image/sample.ts";

const image = sampleImage("web", new Date("2026-11-26T00:00:00Z"));
const digest = `sha256:${"0".repeat(64)}`;

Deno.test("references are read as other tools write them", () => {
  for (
    const text of [
      "hub.example.org/web",
      "hub.example.org:5000/team/sub-team/web_1:v1.0_x-y",
      `localhost/web@${digest}`,
      `[::1]:5000/a/b:latest@${digest}`,
    ]
  ) {
    const reference = readReference(text);
    assert.ok(typeof reference !== "string", text);
    assert.equal(showReference(reference), text);
  }
});

Deno.test("what is no reference is said to be none, and why", () => {
  const wrong: Record<string, RegExp> = {
    "web": /names no registry/,
    "team/web": /names no registry/,
    "https://hub.example.org/web": /names no registry/,
    "hub.example.org/": /names no registry/,
    "hub.example.org/Team/web": /lower-case/,
    "hub.example.org/a//b": /lower-case/,
    "hub.example.org/../b": /lower-case/,
    "hub.example.org/web:": /tag that cannot be one/,
    "hub.example.org/web:-x": /tag that cannot be one/,
    "hub.example.org/web@sha256:12": /digest that is none/,
  };
  for (const [text, why] of Object.entries(wrong)) assert.match(String(readReference(text)), why, text);
});

Deno.test("a target's templates make references and tags of an image", () => {
  const { reference, tags } = destination(
    { reference: "hub.example.org/{architecture}/{profile}", tags: ["latest", "{profile}-{architecture}"] },
    image,
  );
  assert.equal(showReference(reference), `hub.example.org/amd64/web:${image.name}`);
  assert.deepEqual(tags, [image.name, "latest", "web-amd64"]);
  assert.throws(
    () => destination({ reference: "hub.example.org/{profile}:x", tags: [] }, { ...image, profile: "Web" }),
    /it has no repository of lower-case letters/,
  );
});

Deno.test("settings that cannot be meant are refused", () => {
  const problem = (settings: object) => {
    const result = v.safeParse(schema, { reference: "hub.example.org/team/{profile}", ...settings });
    return result.success ? "" : result.issues.map(({ message }) => message).join("; ");
  };
  assert.equal(problem({}), "");
  assert.match(problem({ reference: "web:x" }), /a reference such as/);
  assert.match(problem({ reference: `hub.example.org/web@${digest}` }), /a reference such as/);
  assert.match(problem({ tags: ["a b"] }), /a tag/);
  assert.match(problem({ password: "$X" }), /a reference to the password|whose password/);
  assert.match(problem({ username: "ann", password: "s3cret" }), /never the secret itself/);
  assert.match(problem({ chunk_mib: 0 }), /1 to 1024 MiB/);
  assert.match(problem({ index: true }), /a tag for all architectures/);
  assert.equal(problem({ reference: "hub.example.org/{profile}:latest", index: true }), "");
});
