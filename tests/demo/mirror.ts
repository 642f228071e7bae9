import { join } from "node:path";

/** One archive that apt installs from. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** The key ring named for it, if any. */
  readonly signedBy?: string;
}

/** The Debian release that the demo is made of, and where its packages come from. */
export interface Mirror {
  /** Code name of the release: "bookworm". */
  readonly suite: string;
  /** Number of the release: "12". */
  readonly release: string;
  /** Empty on a system that is not Debian: mmdebstrap then takes its own default. */
  readonly sources: readonly AptSource[];
}

// The releases whose installer the demo knows; on any other system it is made of the first.
const releases = new Map([["bookworm", "12"], ["trixie", "13"]]);

/**
 * The Debian mirror and release of this machine, read from its apt configuration (one-line and deb822 files).
 *
 * @param root folder in place of /, for tests
 */
export async function mirrorFromApt(root = "/"): Promise<Mirror> {
  const os = osRelease(await readOrEmpty(join(root, "etc/os-release")));
  const known = os.get("ID") === "debian" && releases.has(os.get("VERSION_CODENAME") ?? "");
  const suite = known ? os.get("VERSION_CODENAME") ?? "" : "bookworm";
  const release = releases.get(suite) ?? "";
  if (!known) return { suite, release, sources: [] };
  const found: AptSource[] = parseOneLine(await readOrEmpty(join(root, "etc/apt/sources.list")));
  for (const path of await sourceFiles(join(root, "etc/apt/sources.list.d"))) {
    const text = await readOrEmpty(path);
    found.push(...(path.endsWith(".sources") ? parseDeb822(text) : parseOneLine(text)));
  }
  const resolved = await Promise.all(found.map((source) => resolveMirrorList(source, root)));
  return { suite, release, sources: pickDebian(resolved, suite) };
}

/** Lines as apt's sources.list knows them: `deb [options] URI suite component…`. */
export function parseOneLine(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split("\n")) {
    const match = line.match(/^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/);
    if (match === null) continue;
    const [, options = "", uri = "", suite = "", components = ""] = match;
    const signedBy = options.match(/\bsigned-by=(\S+)/)?.[1];
    sources.push({ uri, suite, components: words(components), ...(signedBy && { signedBy }) });
  }
  return sources;
}

/** Stanzas of apt's deb822 format (*.sources); disabled ones and deb-src are left out. */
export function parseDeb822(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const stanza of withoutComments(text).split(/\n\s*\n/)) {
    const fields = deb822Fields(stanza);
    if (!words(fields.get("types")).includes("deb")) continue;
    if (/^(no|false|0|off|disable|without)$/i.test(fields.get("enabled") ?? "")) continue;
    const signedBy = fields.get("signed-by");
    for (const uri of words(fields.get("uris"))) {
      for (const suite of words(fields.get("suites"))) {
        sources.push({
          uri,
          suite,
          components: words(fields.get("components")),
          ...(signedBy && { signedBy }),
        });
      }
    }
  }
  return sources;
}

/**
 * The sources of this release, its updates and its security fixes that are Debian's own: with the component main, and
 * with no other key ring than Debian's.
 */
export function pickDebian(sources: readonly AptSource[], suite: string): AptSource[] {
  const wanted = [suite, `${suite}-updates`, `${suite}-security`];
  const seen = new Set<string>();
  return sources.flatMap((source) => {
    const key = `${source.uri.replace(/\/$/, "")} ${source.suite}`;
    const fits = wanted.includes(source.suite) && source.components.includes("main") &&
      (source.signedBy ?? "debian-archive-").includes("debian-archive-") &&
      /^(https?|file):/.test(source.uri) && !seen.has(key);
    seen.add(key);
    return fits ? [{ uri: source.uri, suite: source.suite, components: ["main"] }] : [];
  });
}

// Debian's cloud images name a file with a list of mirrors; its first line is as good as any other.
async function resolveMirrorList(source: AptSource, root: string): Promise<AptSource> {
  const path = source.uri.match(/^mirror\+file:(?:\/\/)?(\/.*)$/)?.[1];
  if (path === undefined) return source;
  const lines = withoutComments(await readOrEmpty(join(root, path))).split("\n");
  return { ...source, uri: words(lines.find((line) => line.trim() !== ""))[0] ?? source.uri };
}

function deb822Fields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  let last = "";
  for (const line of stanza.split("\n")) {
    const match = line.match(/^([A-Za-z-]+):\s*(.*)$/);
    if (match !== null) {
      last = (match[1] ?? "").toLowerCase();
      fields.set(last, match[2] ?? "");
    } else if (/^\s/.test(line)) {
      fields.set(last, `${fields.get(last) ?? ""} ${line.trim()}`);
    }
  }
  return fields;
}

function withoutComments(text: string): string {
  return text.split("\n").filter((line) => !line.startsWith("#")).join("\n");
}

function words(text = ""): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function osRelease(text: string): Map<string, string> {
  const matches = [...text.matchAll(/^(\w+)=["']?(.*?)["']?$/gm)];
  return new Map(matches.map(([, name = "", value = ""]) => [name, value]));
}

async function sourceFiles(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (/\.(list|sources)$/.test(entry.name)) names.push(entry.name);
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  return names.sort().map((name) => join(folder, name));
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return "";
    throw cause;
  }
}
