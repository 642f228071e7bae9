import type { StartedVm } from "../../vm/start.ts";
import { countOf } from "../count.ts";

/** A VM that was started, for --json. */
export function describeStarted({ vm, record }: StartedVm): Record<string, unknown> {
  const { definition } = record;
  return {
    name: vm.name,
    pid: vm.pid,
    image: definition.image,
    disk: definition.disk,
    memoryMiB: definition.memoryMiB,
    cpus: definition.cpus,
    accelerator: record.accelerator,
    forwards: record.forwards,
    sshPort: record.sshPort,
    vncPort: record.vncPort,
    username: definition.username,
    dir: record.dir,
  };
}

/** A VM that was started, and what to do with it, in words. */
export function startedText({ vm, record }: StartedVm): string {
  const { definition, sshPort, vncPort, forwards } = record;
  const of = definition.image.name ?? definition.image.path;
  const machine = `${definition.memoryMiB} MiB, ${countOf(definition.cpus, "CPU")}, ${record.accelerator}`;
  const others = forwards.filter(({ hostPort }) => hostPort !== sshPort);
  const user = definition.username === undefined ? "" : `${definition.username}@`;
  return [
    `${vm.name} is running: ${of}, ${machine}`,
    sshPort === undefined
      ? `  ssh      pim ssh ${vm.name}`
      : `  ssh      pim ssh ${vm.name}      (ssh -p ${sshPort} ${user}127.0.0.1)`,
    `  console  pim console ${vm.name}`,
    ...others.map((each) => `  port     127.0.0.1:${each.hostPort} -> ${each.guestPort}/${each.protocol}`),
    ...(vncPort === undefined ? [] : [`  display  vnc://127.0.0.1:${vncPort}`]),
    `  stop     pim stop ${vm.name}`,
  ].join("\n");
}
