import * as v from "valibot";
import { messageOf } from "../errors.ts";
import type { QmpClient } from "../qemu/qmp.ts";
import { type VmFacts, vmFacts } from "./facts.ts";
import { withAgent, withMonitor } from "./monitor.ts";
import type { VmDirs } from "./places.ts";
import { describeCrash } from "./remains.ts";
import { isAgentThere } from "./run_state.ts";
import type { RunRecord } from "./run_record.ts";
import type { Survey, SurveyedVm } from "./survey.ts";
import { isRunning, type RunningVm } from "./vms.ts";

/** What `pim status --json` tells of a VM. */
export interface VmStatus extends VmFacts {
  readonly architecture?: string;
  readonly firmware?: string;
  readonly accelerator?: string;
  readonly qemuVersion?: string;
  readonly forwards?: RunRecord["forwards"];
  readonly vncPort?: number;
  readonly shares?: RunRecord["definition"]["shares"];
  readonly dir: string;
  /** Its sockets, of one that runs. */
  readonly sockets?: { readonly qmp: string; readonly agent: string; readonly serial: string };
  /** Whether the guest agent answers, or why not. */
  readonly agent?: string;
  /** What is wrong, in sentences. */
  readonly problems: readonly string[];
}

// The whole command should answer at once, whatever the guest does.
const agentTimeoutMs = 1000;

/** Everything that is known of a VM that was looked at. */
export async function vmStatus(dirs: VmDirs, looked: SurveyedVm, { crashes }: Survey): Promise<VmStatus> {
  const { vm, state } = looked;
  const facts = await vmFacts(looked, { withDisk: true });
  const { definition } = vm;
  const asked = isRunning(vm) && state !== "not answering" ? await ask(dirs, vm) : undefined;
  const problems = [
    ...(vm.problem === undefined ? [] : [vm.problem]),
    ...crashes.map(({ name, crash }) => describeCrash(name, crash)),
    ...(state === "not answering" ? ["QEMU does not answer on its monitor"] : []),
    ...(isRunning(vm) && vm.record === undefined
      ? [`${vm.files.json}, which tells of its ports, is missing`]
      : []),
    ...(definition === undefined ? [`${vm.folder.definition} is missing or damaged`] : []),
  ];
  return {
    ...facts,
    ...(asked?.diskBytes !== undefined && { diskBytes: asked.diskBytes }),
    ...(definition !== undefined && {
      architecture: definition.architecture,
      firmware: definition.firmware,
      shares: definition.shares,
    }),
    ...(isRunning(vm) && {
      ...startFacts(vm.record),
      sockets: { qmp: vm.files.qmp, agent: vm.files.agent, serial: vm.files.serial },
      agent: asked?.agent ?? "not asked",
    }),
    dir: vm.folder.dir,
    problems: [...new Set(problems)],
  };
}

function startFacts(record: RunRecord | undefined): Partial<VmStatus> {
  if (record === undefined) return {};
  const { accelerator, qemuVersion, forwards, vncPort } = record;
  return { accelerator, qemuVersion, forwards, ...(vncPort !== undefined && { vncPort }) };
}

async function ask(dirs: VmDirs, vm: RunningVm): Promise<{ agent: string; diskBytes?: number }> {
  const limits = { timeoutMs: agentTimeoutMs };
  try {
    const { there, diskBytes } = await withMonitor(vm, async (qmp) => ({
      there: await isAgentThere(qmp, limits),
      diskBytes: await diskBytesOf(qmp, vm),
    }), limits);
    if (!there) return { agent: "not there: the guest has not opened its channel", diskBytes };
    await withAgent(dirs, vm, () => Promise.resolve(), limits);
    return { agent: "answers", diskBytes };
  } catch (error) {
    return { agent: `does not answer: ${messageOf(error)}` };
  }
}

const nodesSchema = v.array(v.object({
  "node-name": v.optional(v.string()),
  image: v.object({ "actual-size": v.optional(v.number()) }),
}));

/** Of a disk that has no name any more, only its QEMU knows the size. */
async function diskBytesOf(qmp: QmpClient, vm: RunningVm): Promise<number | undefined> {
  if (vm.definition?.disk !== "snapshot") return undefined;
  const nodes = await qmp.execute("query-named-block-nodes", { flat: true }, { timeoutMs: agentTimeoutMs });
  const parsed = v.safeParse(nodesSchema, nodes);
  return parsed.success
    ? parsed.output.find((node) => node["node-name"] === "disk0")?.image["actual-size"]
    : undefined;
}
