import { PimError } from "../../errors.ts";

/** A file's identifier in one tree, and its place in the list of files. */
export interface Identified {
  readonly index: number;
  readonly name: string;
  readonly identifier: Uint8Array;
}

/** The identifiers of files in both trees of an image, each in the order of its records. */
export interface IsoNames {
  readonly primary: readonly Identified[];
  readonly joliet: readonly Identified[];
}

// What Joliet forbids, or what would lead out of the folder.
const forbidden = /[*/:;?\\]/;

/** Works out the identifiers; throws PimError for a label or a name that cannot be kept exactly, or a name twice. */
export function isoNames(volume: string, names: readonly string[]): IsoNames {
  if (!/^[ -~]{0,15}[!-~]$/.test(volume)) {
    throw new PimError(`Cannot make an ISO with the label ${JSON.stringify(volume)}`);
  }
  for (const [index, name] of names.entries()) {
    if (!/^[ -~]{0,63}[!-~]$/.test(name) || forbidden.test(name) || name.endsWith(".")) {
      throw new PimError(`Cannot make an ISO with a file named ${JSON.stringify(name)}`);
    }
    if (names.indexOf(name) !== index) {
      throw new PimError(`Cannot make an ISO with two files named ${JSON.stringify(name)}`);
    }
  }
  return { primary: primaryNames(names), joliet: jolietNames(names) };
}

/** Names of 8 and 3 characters (ECMA-119 10.1), which nobody sees where Rock Ridge or Joliet is known. */
function primaryNames(names: readonly string[]): Identified[] {
  const taken = new Set<string>();
  const short = names.map((name, index) => {
    const parts = split(name.toUpperCase().replaceAll(/[^A-Z0-9.]/g, "_"));
    const base = parts.base.replaceAll(".", "_").slice(0, 8);
    const ending = parts.ending.slice(0, 3);
    let unique = `${base}.${ending}`;
    for (let count = 0; taken.has(unique); count++) {
      unique = `${base.slice(0, 8 - String(count).length)}${count}.${ending}`;
    }
    taken.add(unique);
    return { index, name, unique };
  });
  return short.sort((a, b) => compareIdentifiers(a.unique, b.unique))
    .map(({ index, name, unique }) => ({ index, name, identifier: new TextEncoder().encode(`${unique};1`) }));
}

function jolietNames(names: readonly string[]): Identified[] {
  return names.map((name, index) => ({ index, name, identifier: ucs2Bytes(`${name};1`) }))
    .sort((a, b) => compareIdentifiers(a.name, b.name));
}

/** The order of records (ECMA-119 9.3): by name, then by ending; a shorter one is filled up with the lowest value. */
function compareIdentifiers(a: string, b: string): number {
  const [one, other] = [split(a), split(b)];
  return compare(one.base, other.base) || compare(one.ending, other.ending);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What is before and after the last dot; a dot at the start belongs to the name. */
function split(name: string): { readonly base: string; readonly ending: string } {
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? { base: name, ending: "" } : { base: name.slice(0, dot), ending: name.slice(dot + 1) };
}

/** Two bytes for each character, the high one first. */
export function ucs2Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < text.length; at++) view.setUint16(2 * at, text.charCodeAt(at), false);
  return bytes;
}
