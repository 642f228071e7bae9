import type { PackageFormat } from "./manifest.ts";

/** Orders two versions of a package as its package manager does: negative when `a` is the older one. */
export function comparePackageVersions(format: PackageFormat, a: string, b: string): number {
  if (format === "rpm") return compareParts(splitRpm(a), splitRpm(b), compareRpm);
  const split = format === "apk" ? (text: string) => splitDeb(asDeb(text)) : splitDeb;
  return compareParts(split(a), split(b), compareDeb);
}

/** A version in the parts that are compared one after the other: epoch, version, revision. */
type Parts = readonly [string, string, string];

function compareParts(a: Parts, b: Parts, compare: (a: string, b: string) => number): number {
  return compareDigits(a[0], b[0]) || compare(a[1], b[1]) || compare(a[2], b[2]);
}

/** `[epoch:]version[-revision]` by Debian policy 5.6.12; the last dash is the one that counts. */
function splitDeb(text: string): Parts {
  const [, epoch = "0", rest = ""] = /^(?:(\d+):)?(.*)$/s.exec(text) ?? [];
  const dash = rest.lastIndexOf("-");
  return dash === -1 ? [epoch, rest, ""] : [epoch, rest.slice(0, dash), rest.slice(dash + 1)];
}

/** In rpm a version has no dash of its own, so that its last dash is the release's too. */
const splitRpm = splitDeb;

/** apk's suffixes in Debian's signs: `_rc` and its like come before the release, `_p` and its like after it. */
function asDeb(text: string): string {
  return text.replace(/_(?=alpha|beta|pre|rc)/g, "~").replace(/_/g, "+");
}

/** Debian's order: words and numbers in turn; in words a tilde is before the end, and letters before other signs. */
function compareDeb(a: string, b: string): number {
  const turns = (text: string) => [...text.matchAll(/(\D*)(\d*)/g)];
  const [left, right] = [turns(a), turns(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [, word = "", digits = ""] = left[index] ?? [];
    const [, otherWord = "", otherDigits = ""] = right[index] ?? [];
    const order = compareWords(word, otherWord) || compareDigits(digits, otherDigits);
    if (order !== 0) return order;
  }
  return 0;
}

function compareWords(a: string, b: string): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const order = rank(a[index]) - rank(b[index]);
    if (order !== 0) return order;
  }
  return 0;
}

function rank(sign: string | undefined): number {
  if (sign === undefined) return 0;
  if (sign === "~") return -1;
  return sign.charCodeAt(0) + (/[A-Za-z]/.test(sign) ? 0 : 0x10000);
}

/** rpm's order: runs of digits or letters; a number is newer than a word, `~` before the end and `^` after it. */
function compareRpm(a: string, b: string): number {
  const pieces = (text: string) => text.match(/\d+|[A-Za-z]+|[~^]/g) ?? [];
  const [left, right] = [pieces(a), pieces(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [one, other] = [left[index], right[index]];
    const order = rpmRank(one) - rpmRank(other);
    if (order !== 0) return order;
    if (one === undefined || other === undefined || one === other) continue;
    const same = /^\d/.test(one) ? compareDigits(one, other) : one < other ? -1 : 1;
    if (same !== 0) return same;
  }
  return 0;
}

function rpmRank(piece: string | undefined): number {
  if (piece === undefined) return 1;
  if (piece === "~") return 0;
  if (piece === "^") return 2;
  return /^\d/.test(piece) ? 4 : 3;
}

/** Runs of digits as numbers, however long they are. */
function compareDigits(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ""), b.replace(/^0+/, "")];
  return left.length - right.length || (left < right ? -1 : left > right ? 1 : 0);
}
