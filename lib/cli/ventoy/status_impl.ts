import { log } from "../../log.ts";
import { ensureRuntimeDir } from "../../paths.ts";
import { versionOnStick } from "../../ventoy/disk/version.ts";
import { type StickStatus, stickStatus } from "../../ventoy/status.ts";
import { findStick, type Stick } from "../../ventoy/stick/find_stick.ts";
import { mountStick } from "../../ventoy/stick/mount.ts";
import type { PimContext } from "../context.ts";
import type { JsonFlags } from "../flags.ts";
import { table } from "../table.ts";
import { stickProgress } from "./stick_progress.ts";

/** `pim ventoy status [DEVICE]` */
export async function status(
  this: PimContext,
  flags: JsonFlags & { readonly full: boolean },
  device?: string,
): Promise<void> {
  const { settings, paths } = await this.config();
  const stick = await findStick(device, settings.ventoy.device, this.signal);
  const version = stick.kind === "disk" ? await versionOnStick(stick.boot.path) : undefined;
  const found = await look(this, stick, await ensureRuntimeDir(paths), flags.full);
  if (flags.json) {
    const partitions = stick.kind === "disk" ? { data: stick.data.path, boot: stick.boot.path } : undefined;
    return this.print(JSON.stringify({ device: stick.name, version, partitions, ...found }, null, 2));
  }
  const { default: prettyBytes } = await import("pretty-bytes");
  this.print(text(stick, version, found, (bytes) => prettyBytes(bytes, { binary: true })));
  for (const problem of found.problems) log.warn(problem);
}

async function look(
  context: PimContext,
  stick: Stick,
  runtimeDir: string,
  full: boolean,
): Promise<StickStatus> {
  const { signal } = context;
  await using mounted = await mountStick(stick, { runtimeDir, signal, readOnly: true });
  using progress = await stickProgress(context);
  return await stickStatus(mounted.folder, {
    full,
    signal,
    onBytes: (key, bytes, totalBytes) => progress.show({ key, phase: "hash", bytes, totalBytes }, "verify"),
  });
}

function text(
  stick: Stick,
  version: string | undefined,
  { bytes, freeBytes, isos, answers, problems }: StickStatus,
  size: (bytes: number) => string,
): string {
  const disk = stick.kind === "disk"
    ? [["Ventoy", version ?? "cannot be read (only root may read the device)"], [
      "partitions",
      `${stick.data.path}, ${stick.boot.path}`,
    ]]
    : [];
  const parts = [
    table(["WHAT", "VALUE"], [
      ["stick", stick.name],
      ...disk,
      ["free", `${size(freeBytes)} of ${size(bytes)}`],
      ["ventoy.json", problems.length === 0 ? "fits" : `${problems.length} problems, told below`],
    ]),
  ];
  if (isos.length > 0) {
    const rows = isos.map((
      iso,
    ) => [iso.file, iso.bytes === undefined ? "-" : size(iso.bytes), iso.key ?? "-", iso.state]);
    parts.push(table(["ISO", "SIZE", "KEY", "STATE"], rows));
  }
  if (answers.length > 0) {
    parts.push(
      table(
        ["PROFILE", "ISO", "STATE", "FILE"],
        answers.map((each) => [each.profile, each.iso, each.state, each.file]),
      ),
    );
  }
  return parts.join("\n\n");
}
