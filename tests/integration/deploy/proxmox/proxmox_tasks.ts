import { refuse } from "./proxmox_refusal.ts";
import { type Query, type State, type Task, tokenId } from "./proxmox_state.ts";

/** Begins a task that is done after having been asked for so often, and tells its id. */
export function begin(
  state: State,
  type: string,
  id: string,
  polls: number,
  work: () => string,
  undo: () => void = () => {},
): string {
  const upid = `UPID:pve:0012AB34:0056CD78:${(0x68000000 + state.tasks.size).toString(16)}:${type}:` +
    `${id.replace(/[^\w.-]/g, "")}:${tokenId}:`;
  const finish = () => {
    const failure = state.rules.taskFails[type];
    delete state.rules.taskFails[type];
    if (failure === undefined) return work();
    undo();
    return failure;
  };
  state.tasks.set(upid, { upid, polls, log: [`begin ${type}`], finish, interrupted: undo });
  return upid;
}

function taskOf({ tasks }: State, upid = ""): Task {
  return tasks.get(upid) ?? refuse(500, "no such task");
}

/** GET /nodes/{node}/tasks/{upid}/status */
export function taskStatus(state: State, [upid]: readonly string[]): unknown {
  const task = taskOf(state, upid);
  if (task.exitstatus === undefined) {
    task.polls--;
    task.log.push(`transferred 1.0 MiB of 2.0 MiB (${task.polls <= 0 ? "100.00" : "50.00"}%)`);
    if (task.polls <= 0) task.exitstatus = task.finish();
  }
  const { exitstatus } = task;
  return {
    ...{ upid, node: "pve", type: "x", status: exitstatus === undefined ? "running" : "stopped" },
    ...(exitstatus !== undefined && { exitstatus }),
  };
}

/** GET /nodes/{node}/tasks/{upid}/log */
export function taskLog(state: State, [upid]: readonly string[], query: Query): unknown {
  return taskOf(state, upid).log.map((t, index) => ({ n: index + 1, t }))
    .slice(Number(query.get("start") ?? 0));
}

/** DELETE /nodes/{node}/tasks/{upid} */
export function stopTask(state: State, [upid]: readonly string[]): null {
  const task = taskOf(state, upid);
  if (task.exitstatus === undefined) {
    task.exitstatus = "interrupted by signal";
    task.interrupted();
  }
  return null;
}
