/** What a property list is made of, as far as UTM's configuration needs it. */
export type PlistValue = string | number | boolean | readonly PlistValue[] | {
  readonly [key: string]: PlistValue;
};

const head = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
`;

/** A property list in XML (the DTD PropertyList-1.0); numbers have to be whole. */
export function plist(value: PlistValue): string {
  return `${head}${element(value, "")}</plist>\n`;
}

function element(value: PlistValue, indent: string): string {
  switch (typeof value) {
    case "string":
      return `${indent}<string>${escape(value)}</string>\n`;
    case "number":
      return `${indent}<integer>${value}</integer>\n`;
    case "boolean":
      return `${indent}<${value}/>\n`;
  }
  const inner = `${indent}\t`;
  if (isList(value)) return block("array", value.map((each) => element(each, inner)), indent);
  return block(
    "dict",
    Object.entries(value).map(([key, each]) => `${inner}<key>${escape(key)}</key>\n${element(each, inner)}`),
    indent,
  );
}

function block(name: string, parts: readonly string[], indent: string): string {
  return parts.length === 0
    ? `${indent}<${name}/>\n`
    : `${indent}<${name}>\n${parts.join("")}${indent}</${name}>\n`;
}

function isList(value: object): value is readonly PlistValue[] {
  return Array.isArray(value);
}

function escape(text: string): string {
  // XML 1.0 knows no control characters but these three, not even escaped ones.
  // deno-lint-ignore no-control-regex -- exactly those are meant
  const clean = text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "");
  return clean.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
