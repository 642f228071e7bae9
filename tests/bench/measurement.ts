import { table } from "../../lib/cli/table.ts";

/** One line of the benchmark. */
export interface Measurement {
  readonly name: string;
  /** What was measured, in words. */
  readonly what: string;
  readonly unit: "ms" | "s" | "MiB";
  readonly pim: number;
  /** What pim is compared with. */
  readonly baseline?: { readonly name: string; readonly value: number };
  /** The highest number that we want, of what `aimOf` says. */
  readonly aim: number;
  /** pim over the baseline (the default where there is one), what pim takes more than it, or pim's own number. */
  readonly aimOf?: "ratio" | "difference" | "number";
  /** How many runs the numbers are the median of. */
  readonly runs: number;
}

/** The middle of some numbers; of an even count the mean of the two in the middle. NaN when there are none. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return low === undefined || high === undefined ? NaN : (low + high) / 2;
}

/** pim over the baseline, or undefined when there is none. */
export function ratio({ pim, baseline }: Measurement): number | undefined {
  return baseline && pim / baseline.value;
}

/**
 * Runs some things after each other, again and again, and returns the results of each: interleaved, and in the other
 * direction every second time, so that a machine that grows slower or faster treats them alike.
 */
export async function interleave<T>(
  rounds: number,
  things: readonly (() => Promise<T>)[],
): Promise<T[][]> {
  const results: T[][] = things.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const order = [...things.keys()];
    for (const index of round % 2 === 0 ? order : order.reverse()) {
      const result = await things[index]?.();
      results[index]?.push(result as T);
    }
  }
  return results;
}

/** Milliseconds that something takes. */
export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** The measurements as a table in plain text. */
export function formatMeasurements(measurements: readonly Measurement[]): string {
  return table(
    ["WHAT", "PIM", "BASELINE", "RATIO", "AIM"],
    measurements.map((each) => {
      const { pim, baseline, unit } = each;
      const over = ratio(each);
      return [
        each.what,
        amount(pim, unit),
        baseline === undefined ? "-" : `${amount(baseline.value, unit)} ${baseline.name}`,
        over === undefined ? "-" : ratioText(over),
        aimText(each),
      ];
    }),
  );
}

function aimText({ pim, baseline, aim, aimOf, unit }: Measurement): string {
  if (baseline === undefined || aimOf === "number") return `<= ${amount(aim, unit)}`;
  if (aimOf !== "difference") return `<= ${ratioText(aim)}`;
  return `<= +${amount(aim, unit)} (is +${amount(pim - baseline.value, unit)})`;
}

// A rebuild may take a hundredth of what it is compared with.
function ratioText(value: number): string {
  return value.toFixed(value < 0.2 ? 3 : 2);
}

function amount(value: number, unit: Measurement["unit"]): string {
  return `${value.toFixed(unit === "MiB" ? 0 : unit === "s" && value < 1 ? 2 : 1)} ${unit}`;
}
