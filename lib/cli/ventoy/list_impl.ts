import { log } from "../../log.ts";
import { listDisks, type ListedDisk } from "../../ventoy/list.ts";
import { findSticks } from "../../ventoy/stick/find_stick.ts";
import type { PimContext } from "../context.ts";
import type { JsonFlags } from "../flags.ts";
import { table } from "../table.ts";

/** `pim ventoy list` */
export async function list(this: PimContext, flags: JsonFlags & { readonly all: boolean }): Promise<void> {
  if (Deno.build.os === "darwin") return await listVolumes(this, flags.json);
  const disks = await listDisks({ all: flags.all, signal: this.signal });
  if (flags.json) return this.print(JSON.stringify(disks, null, 2));
  if (disks.length === 0) return log.info("No removable disk is plugged in; --all lists built-in ones too");
  const { default: prettyBytes } = await import("pretty-bytes");
  this.print(table(
    ["DEVICE", "SIZE", "BUS", "MODEL", "WHAT"],
    disks.map((disk) => [
      disk.device,
      prettyBytes(disk.bytes, { binary: true }),
      disk.transport ?? "-",
      disk.model ?? "-",
      whatItIs(disk),
    ]),
  ));
}

function whatItIs({ device, ventoy, version, content, mountPoints, refused }: ListedDisk): string {
  const mounted = mountPoints.length > 0 ? `, mounted at ${mountPoints.join(", ")}` : "";
  if (ventoy) return `Ventoy ${version ?? "of unknown version"}${mounted}`;
  if (refused !== undefined) return refused.replace(`${device} is not written to: `, "not for sticks: ");
  return content ?? "can be made a stick";
}

async function listVolumes(context: PimContext, json: boolean): Promise<void> {
  const sticks = await findSticks(context.signal);
  if (json) return context.print(JSON.stringify(sticks, null, 2));
  if (sticks.length === 0) return log.info("No volume of Ventoy is mounted in /Volumes");
  context.print(table(["VOLUME"], sticks.map(({ name }) => [name])));
}
