import { join } from "node:path";
import * as v from "valibot";
import type { Architecture } from "../architecture.ts";
import { messageOf } from "../errors.ts";
import { readTextIfThere, writeFileAtomic } from "../files.ts";
import { log } from "../log.ts";
import { run } from "../process.ts";
import type { Obstacle } from "./bridge_acl.ts";
import { kvmObstacle, kvmPlaces } from "./kvm_device.ts";
import type { AcceleratorName } from "./platform_args.ts";
import { runTestGuest, type TestResult } from "./test_guest.ts";

/** What will run a guest's instructions on this host. */
export interface Accelerator {
  readonly name: AcceleratorName;
  /** Why it is not a faster one, in words; only with tcg. */
  readonly reason?: string;
  /** The reason once more, and what to type, where something can be done about it. */
  readonly obstacle?: Obstacle;
}

/** What {@linkcode chooseAccelerator} has to know. */
export interface AcceleratorQuestion {
  readonly platform: "linux" | "darwin";
  readonly hostArchitecture: Architecture;
  readonly architecture: Architecture;
  readonly qemu: string;
  readonly qemuVersion: string;
  /** Where the result of the test guest is remembered until the next boot. */
  readonly cacheDir: string;
  /** The device of KVM; /dev/kvm unless told otherwise. */
  readonly kvmDevice?: string;
  /** How long the test guest may take; default 1500. */
  readonly deadlineMs?: number;
  /** Runs the test guest whatever is remembered. */
  readonly fresh?: boolean;
  readonly signal?: AbortSignal;
}

/** The fastest accelerator that really runs a guest: it is tried, because a device that opens proves nothing. */
export async function chooseAccelerator(question: AcceleratorQuestion): Promise<Accelerator> {
  const { architecture, hostArchitecture, platform } = question;
  if (architecture !== hostArchitecture) {
    return {
      name: "tcg",
      reason: `a guest for ${architecture} has to be emulated on a host with ${hostArchitecture}`,
    };
  }
  const name = platform === "darwin" ? "hvf" : "kvm";
  const places = { ...kvmPlaces, ...(question.kvmDevice && { device: question.kvmDevice }) };
  const obstacle = name === "kvm" ? await kvmObstacle(places) : undefined;
  if (obstacle !== undefined) {
    return { name: "tcg", reason: `${obstacle.problem}: ${obstacle.remedy}`, obstacle };
  }
  const result = await rememberedTest(question, name);
  if (result.ran) return { name };
  const there = name === "kvm" ? `${places.device} is there` : "this Mac has HVF";
  return { name: "tcg", reason: `${there}, but ${result.why}` };
}

const memorySchema = v.object({
  key: v.string(),
  testedMs: v.number(),
  result: v.variant("ran", [
    v.object({ ran: v.literal(true) }),
    v.object({ ran: v.literal(false), why: v.string() }),
  ]),
});

// A refusal is doubted after a while: the host may only have been too busy to meet the deadline.
const doubtAfterMs = 60 * 60 * 1000;

async function rememberedTest(
  question: AcceleratorQuestion,
  accelerator: "kvm" | "hvf",
): Promise<TestResult> {
  const { qemu, qemuVersion, architecture, signal } = question;
  const file = join(question.cacheDir, `accelerator-${architecture}.json`);
  const key = [await bootId(question.platform), accelerator, qemu, qemuVersion].join("|");
  const remembered = question.fresh ? undefined : await recall(file, key);
  if (remembered) return remembered;
  const deadlineMs = question.deadlineMs ?? 1500;
  const result = await runTestGuest({ qemu, architecture, accelerator, deadlineMs, signal });
  try {
    await writeFileAtomic(file, JSON.stringify({ key, testedMs: Date.now(), result }) + "\n");
  } catch (error) {
    log.debug(messageOf(error)); // The test then only runs again the next time.
  }
  return result;
}

async function recall(file: string, key: string): Promise<TestResult | undefined> {
  try {
    const memory = v.parse(memorySchema, JSON.parse(await readTextIfThere(file) ?? "null"));
    if (memory.key !== key) return undefined;
    return memory.result.ran || Date.now() - memory.testedMs < doubtAfterMs ? memory.result : undefined;
  } catch {
    return undefined; // None, or not one of ours: the test runs again.
  }
}

/** Something that is different after each start of this host. */
async function bootId(platform: "linux" | "darwin"): Promise<string> {
  if (platform === "darwin") return (await run(["sysctl", "-n", "kern.boottime"])).stdout.trim();
  return (await readTextIfThere("/proc/sys/kernel/random/boot_id") ?? "unknown").trim();
}
