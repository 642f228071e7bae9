import * as v from "valibot";

/** An image at a target, or what a deployment that was cut short has left there. */
export interface Deployment {
  /** `<target>/<image>`. */
  readonly id: string;
  readonly target: string;
  /** The kind of target. */
  readonly type: string;
  readonly image: string;
  /** SHA-256 of the image file, in hex. */
  readonly sha256: string;
  /** Where it is, for people. */
  readonly where: string;
  /** What the target calls what was made there. */
  readonly ids: Readonly<Record<string, string>>;
  readonly state: "unfinished" | "done";
  /** When that state began; ISO 8601, UTC. */
  readonly time: string;
  /** How an instance did that was started there and checked. */
  readonly verified?: { readonly ok: boolean; readonly time: string };
}

const time = v.pipe(
  v.string("a time such as 2026-01-31T12:00:00Z"),
  v.check((text) => !Number.isNaN(Date.parse(text)), "a time such as 2026-01-31T12:00:00Z"),
);

/** A deployment as it stands in registry.yml; its id is the key. */
export const deploymentSchema = v.strictObject({
  target: v.string(),
  type: v.string(),
  image: v.string(),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits")),
  where: v.string(),
  ids: v.record(v.string(), v.string()),
  state: v.picklist(["unfinished", "done"]),
  time,
  verified: v.optional(v.strictObject({ ok: v.boolean(), time })),
});

type DiskDeployment = v.InferOutput<typeof deploymentSchema>;

/** A deployment of registry.yml in TypeScript's words. */
export function fromDiskDeployment(id: string, { verified, ...same }: DiskDeployment): Deployment {
  return { id, ...same, ...(verified !== undefined && { verified }) };
}
