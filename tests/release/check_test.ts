import assert from "node:assert/strict";
import { sectionOf, versionsOf } from "../../release/changelog.ts";
import { releaseProblems } from "../../release/check.ts";

const changelog = `# Changelog

## Unreleased

- Next.

## 1.2.0 (2026-11-26)

- New.
  More of it.

## 1.1.0

- Old.
`;

const unreleased = "# Changelog\n\n## Unreleased\n\n- Next.\n";
const released = changelog.replace(/## Unreleased[\s\S]*?(?=## 1\.2)/, "");

Deno.test("a section of the changelog is found by its version, with or without a date", () => {
  assert.equal(sectionOf(changelog, "1.2.0"), "- New.\n  More of it.");
  assert.equal(sectionOf(changelog, "1.1.0"), "- Old.");
  assert.equal(sectionOf(changelog, "Unreleased"), "- Next.");
  assert.equal(sectionOf(changelog, "1.2"), undefined);
  assert.deepEqual(versionsOf(changelog), ["1.2.0", "1.1.0"]);
});

Deno.test("a release whose version, changelog and tag agree has no problems", () => {
  assert.deepEqual(releaseProblems({ version: "1.2.0", changelog: released, tag: "v1.2.0" }), []);
  assert.deepEqual(releaseProblems({ version: "1.2.0", changelog, tag: "v1.2.0" }), []);
});

Deno.test("before a release there must be something to tell, or the section of the version", () => {
  assert.deepEqual(releaseProblems({ version: "1.2.0", changelog: unreleased }), []);
  assert.deepEqual(releaseProblems({ version: "1.2.0", changelog: released }), []);
  const emptied = released.replace("## 1.2.0", "## [Unreleased]\n\n## 1.2.0");
  assert.deepEqual(releaseProblems({ version: "1.2.0", changelog: emptied }), []);
  assert.match(releaseProblems({ version: "2.0.0", changelog: emptied }).join(), /neither .* Unreleased nor/);
  assert.match(
    releaseProblems({ version: "2.0.0", changelog: released }).join(),
    /neither .* Unreleased nor/,
  );
});

Deno.test("a release that does not fit together is refused, with all that is wrong", () => {
  for (
    const [version, log, tag, ...problems] of [
      ["1.2.0", changelog, "v1.3.0", /^the tag is v1\.3\.0, and deno\.json has 1\.2\.0/],
      ["1.2.0", changelog, "1.2.0", /^the tag is 1\.2\.0/],
      ["2.0.0", unreleased, "v2.0.0", /section for 2\.0\.0 is missing: rename Unreleased/],
      ["1.2.0", "## 1.2.0\n\n## 1.1.0\n\n- Old.\n", "v1.2.0", /section for 1\.2\.0 is missing/],
      ["1.1.0", changelog, "v1.1.0", /section for 1\.1\.0 is not the newest/],
      [
        "1.2",
        unreleased,
        "v1.3",
        /version 1\.2 is not of the form/,
        /^the tag is v1\.3/,
        /section for 1\.2 /,
      ],
    ] as const
  ) {
    const found = releaseProblems({ version, changelog: log, tag });
    assert.equal(found.length, problems.length, found.join("\n"));
    problems.forEach((problem, index) => assert.match(found[index] ?? "", problem));
  }
});
