/** An answer of AWS that says no. */
export class AwsFailure extends Error {
  constructor(readonly status: number, readonly code: string, message: string = code) {
    super(message);
  }
}

/** Text for XML. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(
    '"',
    "&quot;",
  );
}

/** An element with what is in it: text, or elements. */
export function element(name: string, content: string | number | boolean | readonly string[]): string {
  const inner = Array.isArray(content) ? content.join("") : escapeXml(String(content));
  return `<${name}>${inner}</${name}>`;
}
