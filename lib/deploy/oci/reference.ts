/** Where something is in a registry. */
export interface Reference {
  /** Host, with its port where it is not the usual one. */
  readonly host: string;
  /** Path of the repository: "team/images/demo". */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest?: string;
}

const part = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const repositoryShape = new RegExp(`^${part}(?:/${part})*$`);
const tagShape = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const hostShape = /^(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;

/**
 * What a reference `HOST/REPOSITORY[:TAG][@DIGEST]` says, or, as a text, what is wrong with it. The host has to be
 * there: pim has no registry of its own. See the OCI distribution specification 1.1, "Pulling manifests".
 */
export function readReference(text: string): Reference | string {
  const [, host = "", rest = ""] = /^([^/]+)\/(.+)$/.exec(text) ?? [];
  if (!hostShape.test(host) || !/[.:]|^localhost$/.test(host)) {
    return "names no registry: registry.example.org/team/image:tag";
  }
  const { repository = "", tag, digest } =
    /^(?<repository>[^:@]*)(?::(?<tag>[^@]*))?(?:@(?<digest>.*))?$/.exec(rest)?.groups ?? {};
  if (!repositoryShape.test(repository)) {
    return `has no repository of lower-case letters, digits, dots, dashes and underscores: ${rest}`;
  }
  if (tag !== undefined && !isTag(tag)) return `has a tag that cannot be one: ${tag}`;
  if (digest !== undefined && !isDigest(digest)) return `has a digest that is none: ${digest}`;
  return {
    ...{ host, repository },
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
}

/** Whether a text can be a tag. */
export function isTag(text: string): boolean {
  return tagShape.test(text);
}

/** Whether a text is a SHA-256 digest as registries write it. */
function isDigest(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/** A reference as people write it. */
export function showReference({ host, repository, tag, digest }: Reference): string {
  return `${host}/${repository}${tag === undefined ? "" : `:${tag}`}${
    digest === undefined ? "" : `@${digest}`
  }`;
}

/** Whether a host is this machine, where plain http is as good as https. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
}
