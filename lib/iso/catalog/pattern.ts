import { type Architecture, parseArchitecture } from "../../architecture.ts";

// The names that an architecture may have in a key, for the pattern's {arch}.
const spellings = ["amd64", "x86_64", "x64", "arm64", "aarch64"];

/** Whether a pattern such as "debian-*-{arch}-netinst" means this key. */
export function matchesPattern(pattern: string, key: string, architecture: Architecture): boolean {
  return patternExpression(pattern, architecture).test(key);
}

function patternExpression(pattern: string, architecture: Architecture): RegExp {
  const names = spellings.filter((name) => parseArchitecture(name) === architecture);
  const source = pattern.split(/(\{arch\}|\*+|\?)/).map((part) => {
    if (part === "{arch}") return `(?:${names.join("|")})`;
    if (part === "?") return ".";
    return part.startsWith("*") ? ".*" : part.replace(/[.+^$|()[\]{}\\]/g, "\\$&");
  });
  return new RegExp(`^${source.join("")}$`);
}
