/** The text of a version's section in a changelog, without its heading; undefined when there is none. */
export function sectionOf(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((each) => headingVersion(each) === version);
  return section?.replace(/^.*\n/, "").trim();
}

/** The versions that a changelog has sections of, newest first; "Unreleased" is none. */
export function versionsOf(changelog: string): string[] {
  const headings = changelog.split(/^## /m).slice(1).map(headingVersion);
  return headings.filter((each) => /^\d/.test(each));
}

/** Of a section that begins with `1.2.0 (2026-11-26)`. */
function headingVersion(section: string): string {
  return /^\[?([^\s\]]+)/.exec(section)?.[1] ?? "";
}
