import type { GuestPackage, GuestSystem } from "./manifest.ts";

/**
 * The package URL of an installed package: `pkg:deb/debian/curl@8.5.0-2?arch=amd64&distro=debian-12`; undefined when
 * the system's packages have no such form. See https://github.com/package-url/purl-spec.
 */
export function packageUrl(
  { id, versionId, packageFormat }: GuestSystem,
  { name, version, architecture, source }: GuestPackage,
): string | undefined {
  if (packageFormat === undefined) return undefined;
  // An rpm has its epoch beside its version; a deb and an apk have it inside.
  const [, epoch, bare = version] = packageFormat === "rpm" ? /^(\d+):(.*)$/s.exec(version) ?? [] : [];
  // The order of the alphabet, which the specification asks for.
  const qualifiers = Object.entries({
    arch: architecture,
    distro: versionId === undefined ? id : `${id}-${versionId}`,
    epoch,
    upstream: packageFormat === "rpm" ? undefined : source,
  }).filter(([, value]) => value !== undefined && value !== "");
  return `pkg:${packageFormat}/${encode(id.toLowerCase())}/${encode(name.toLowerCase())}@${encode(bare)}?` +
    qualifiers.map(([key, value]) => `${key}=${encode(value ?? "")}`).join("&");
}

/** Percent-encodes all but what the specification leaves as it is, which includes the colon. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll("%3A", ":").replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
