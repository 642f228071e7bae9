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
  /** Where the target's settings led when it was made. */
  readonly place?: DeployedPlace;
  /** What was made where the settings led before, and is still to be removed. */
  readonly former?: readonly FormerPlace[];
  readonly state: "unfinished" | "done";
  /** When that state began; ISO 8601, UTC. */
  readonly time: string;
  /** How an instance did that was started there and checked. */
  readonly verified?: { readonly ok: boolean; readonly time: string };
}

/** What is connected to, and what an image is called there. */
export interface DeployedPlace {
  readonly at: string;
  readonly name: string;
  /** How it is written there, where the name does not tell. */
  readonly form?: string;
}

/** What was made at a place that the settings no longer lead to. */
export interface FormerPlace extends Pick<Deployment, "where" | "sha256" | "ids"> {
  readonly place: DeployedPlace;
}

const time = v.pipe(
  v.string("a time such as 2026-01-31T12:00:00Z"),
  v.check((text) => !Number.isNaN(Date.parse(text)), "a time such as 2026-01-31T12:00:00Z"),
);

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits"));
const ids = v.record(v.string(), v.string());
const place = v.pipe(
  v.strictObject({ at: v.string(), name: v.string(), form: v.optional(v.string()) }),
  v.transform(({ form, ...same }): DeployedPlace => ({ ...same, ...(form !== undefined && { form }) })),
);

/** A deployment as it stands in registry.yml; its id is the key. */
export const deploymentSchema = v.strictObject({
  target: v.string(),
  type: v.string(),
  image: v.string(),
  sha256,
  where: v.string(),
  ids,
  place: v.optional(place),
  former: v.optional(
    v.pipe(v.array(v.strictObject({ where: v.string(), sha256, ids, place })), v.readonly()),
  ),
  state: v.picklist(["unfinished", "done"]),
  time,
  verified: v.optional(v.strictObject({ ok: v.boolean(), time })),
});

type DiskDeployment = v.InferOutput<typeof deploymentSchema>;

/** A deployment of registry.yml in TypeScript's words. */
export function fromDiskDeployment(
  id: string,
  { place, former, verified, ...same }: DiskDeployment,
): Deployment {
  return {
    ...{ id, ...same },
    ...(place !== undefined && { place }),
    ...(former !== undefined && { former }),
    ...(verified !== undefined && { verified }),
  };
}
