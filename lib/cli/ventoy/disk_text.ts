import type { Inspected } from "../../ventoy/prepare/inspect.ts";
import { table } from "../table.ts";

/** What is on a disk, for who decides whether it may be erased. */
export function describeDisk(
  { disk, partitions, ventoy, rawIso }: Inspected,
  size: (bytes: number) => string,
): string {
  const lines = [
    [disk.path, size(disk.bytes), disk.model, disk.transport, disk.serial && `serial ${disk.serial}`]
      .filter((word) => word !== undefined).join(", "),
  ];
  if (rawIso !== undefined) lines.push(`An ISO was written over the whole disk: ${rawIso}`);
  if (ventoy !== undefined) lines.push(`It is a stick with Ventoy ${ventoy.version ?? "of unknown version"}`);
  if (partitions.length === 0) return [...lines, "No partitions are on it."].join("\n");
  const rows = partitions.map(({ path, bytes, fileSystem, label }) => [
    path,
    size(bytes),
    fileSystem ?? "-",
    label ?? "-",
  ]);
  return [...lines, table(["PARTITION", "SIZE", "CONTENT", "LABEL"], rows)].join("\n");
}
