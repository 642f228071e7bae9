import * as v from "valibot";
import { parseMemoryMiB } from "../memory.ts";

const amount = "an amount of memory such as 2G, 512M, or 2048 in MiB";

/** Memory of the machine that a target makes of an image, in MiB; "2G" unless given. */
export const memorySetting = v.pipe(
  v.optional(v.union([v.string(), v.number()], amount), "2G"),
  v.transform((value) => typeof value === "number" ? value : parseMemoryMiB(value) ?? NaN),
  v.check((memoryMiB) => Number.isInteger(memoryMiB) && memoryMiB >= 64, amount),
);

/** Processors of the machine that a target makes of an image; 2 unless given. */
export const cpusSetting = v.optional(
  v.pipe(v.number(), v.integer("a whole number"), v.minValue(1, "1 or more")),
  2,
);
