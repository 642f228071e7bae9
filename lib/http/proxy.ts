import { hideSecret } from "../log.ts";

/** The proxy that the environment names for a URL. */
export interface EnvironmentProxy {
  /** The variable that names it. */
  readonly variable: string;
  /** Its name and port, without user and password. */
  readonly host: string;
  /** Its URL with user and password. */
  readonly href: string;
}

/**
 * The proxy that fetch takes for a URL, from ALL_PROXY, HTTPS_PROXY, HTTP_PROXY and NO_PROXY in either spelling;
 * undefined when it asks the server itself. fetch reads the variables on its own.
 */
export function proxyFor(url: string): EnvironmentProxy | undefined {
  const { protocol, hostname } = new URL(url);
  if (isExcluded(hostname)) return undefined;
  const scheme = protocol.slice(0, -1).toUpperCase();
  for (const name of ["ALL_PROXY", `${scheme}_PROXY`]) {
    const found = variable(name);
    if (found === undefined) continue;
    const proxy = URL.parse(found.value) ?? URL.parse(`http://${found.value}`);
    if (proxy === null) continue;
    const [user, password] = [decoded(proxy.username), decoded(proxy.password)];
    hideSecret(password);
    // As a URL has to have them: people forget it of a percent sign.
    proxy.username = encodeURIComponent(user);
    proxy.password = encodeURIComponent(password);
    return { variable: found.name, host: proxy.host, href: proxy.href };
  }
  return undefined;
}

/** A part of a URL as it was meant; where it is not encoded, that is what stands there. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** What is wrong between us and the proxy. */
export interface ProxyFault {
  readonly why: string;
  readonly retryable: boolean;
  readonly hint: string;
}

/**
 * Tells of a fault of the proxy that is asked for a URL, so that it is not told as one of the server behind it;
 * undefined when there is no proxy.
 */
export function proxyFault(url: string): ((why: string, retryable: boolean) => ProxyFault) | undefined {
  const proxy = proxyFor(url);
  if (proxy === undefined) return undefined;
  const { hostname } = new URL(url);
  const hint = `Correct ${proxy.variable}, or name ${hostname} in NO_PROXY to go without a proxy.`;
  return (why, retryable) => ({ why: `the proxy ${proxy.host} ${why}`, retryable, hint });
}

function isExcluded(hostname: string): boolean {
  const entries = (variable("NO_PROXY")?.value ?? "").split(",").map((entry) =>
    entry.trim().replace(/^\./, "")
  );
  return entries.some((entry) =>
    entry === "*" || entry !== "" && (hostname === entry || hostname.endsWith(`.${entry}`))
  );
}

/** Of the two spellings the one that the runtime looks at first. */
function variable(name: string): { readonly name: string; readonly value: string } | undefined {
  for (const spelling of [name, name.toLowerCase()]) {
    const value = Deno.env.get(spelling);
    if (value) return { name: spelling, value };
  }
  return undefined;
}
