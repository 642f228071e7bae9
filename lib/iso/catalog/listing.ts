/**
 * The names in a directory listing: the links of an HTML page as Apache, nginx and lighttpd write it, the names of
 * nginx's JSON, or the last words of the lines of a plain list. Folders are without their slash.
 *
 * @param url the listing's own URL, which tells the links into it from others
 */
export function listingNames(text: string, url: string): readonly string[] {
  const names = /^\s*\[/.test(text)
    ? jsonNames(text)
    : /<a\s/i.test(text)
    ? linkedNames(text, url)
    : lineNames(text);
  const plain = names.map((name) => name.replace(/\/$/, "")).filter((name) =>
    name !== "" && !/^\.\.?$/.test(name)
  );
  return [...new Set(plain)];
}

function jsonNames(text: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(value)) return [];
  return value.map((each) => each?.name).filter((name) => typeof name === "string");
}

function linkedNames(text: string, url: string): readonly string[] {
  const folder = url.endsWith("/") ? url : `${url}/`;
  const links = [...text.matchAll(/<a\s[^>]*?\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi)];
  return links.flatMap(([, double, single, bare]) => {
    const target = URL.parse((double ?? single ?? bare ?? "").replaceAll("&amp;", "&"), folder);
    // Links that sort the list, and those that lead elsewhere.
    if (target === null || target.search !== "" || !target.href.startsWith(new URL(folder).href)) return [];
    const name = target.href.slice(new URL(folder).href.length).replace(/#.*/, "");
    return /^[^/]+\/?$/.test(name) ? [decoded(name)] : [];
  });
}

function lineNames(text: string): readonly string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "");
  // A list as `ls -l` writes it names what a link leads to as well.
  return lines.map((line) => line.replace(/ -> .*/, "").split(/\s+/).at(-1) ?? "");
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
