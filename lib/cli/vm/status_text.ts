import type { VmStatus } from "../../vm/status.ts";
import { countOf } from "../count.ts";
import { table } from "../table.ts";
import { uptimeFormat } from "./uptime.ts";

/** What `pim status` prints for people. */
export async function statusText(vm: VmStatus): Promise<string> {
  const [uptime, { default: prettyBytes }] = await Promise.all([uptimeFormat(), import("pretty-bytes")]);
  const size = vm.diskBytes === undefined
    ? ""
    : `, ${prettyBytes(vm.diskBytes, { binary: true })} on the host`;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["state", vm.pid === undefined ? vm.state : `${vm.state}, process ${vm.pid}`],
    ["since", vm.started && `${vm.started}, ${uptime(vm.started)} ago`],
    ["image", vm.image && [vm.image.name, vm.image.path].filter((each) => each !== undefined).join(", ")],
    ["disk", vm.disk && `${vm.disk}${size}`],
    ["machine", machine(vm)],
    ["network", vm.network && network(vm)],
    ...(vm.forwards ?? []).map((each) =>
      ["port", `127.0.0.1:${each.hostPort} -> ${each.guestPort}/${each.protocol}`] as const
    ),
    ["display", vm.vncPort === undefined ? undefined : `vnc://127.0.0.1:${vm.vncPort}`],
    ...(vm.shares ?? []).map((each) =>
      ["share", `${each.path} as ${each.tag}${each.readonly ? ", read-only" : ""}`] as const
    ),
    ["agent", vm.agent],
    ["folder", vm.dir],
    ...Object.values(vm.sockets ?? {}).map((path) => ["socket", path] as const),
    ...vm.problems.map((each) => ["problem", each] as const),
  ];
  return table(
    ["VM", vm.name],
    rows.flatMap(([what, value]) => value === undefined ? [] : [[what, value]]),
  );
}

function machine(vm: VmStatus): string | undefined {
  if (vm.memoryMiB === undefined) return undefined;
  const qemu = vm.qemuVersion === undefined ? [] : [`${vm.accelerator}, QEMU ${vm.qemuVersion}`];
  return [
    `${vm.memoryMiB} MiB`,
    countOf(vm.cpus ?? 0, "CPU"),
    `${vm.architecture}`,
    `${vm.firmware}`,
    ...qemu,
  ].join(
    ", ",
  );
}

function network(vm: VmStatus): string {
  if (vm.network === "bridged") return "bridged";
  return vm.sshPort === undefined ? "user" : `user, SSH on 127.0.0.1:${vm.sshPort}`;
}
