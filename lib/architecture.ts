/** Architecture of a guest, in Debian's words. */
export type Architecture = "amd64" | "arm64";

/** All architectures that pim knows. */
export const architectures: readonly Architecture[] = ["amd64", "arm64"];

const names: Record<string, Architecture> = {
  amd64: "amd64",
  x86_64: "amd64",
  x64: "amd64",
  arm64: "arm64",
  aarch64: "arm64",
};

/** The architecture that a name such as "x86_64" or "aarch64" means, or undefined. */
export function parseArchitecture(name: string): Architecture | undefined {
  return names[name.toLowerCase()];
}

/** The architecture of this host. */
export function hostArchitecture(): Architecture {
  return Deno.build.arch === "aarch64" ? "arm64" : "amd64";
}
