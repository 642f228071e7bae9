import type { GuestCheck } from "../guest_check.ts";
import { firstLine, linesOf } from "../guest_check.ts";
import { failed, type Outcome, passed, skipped } from "../verification.ts";

/** Whether the system comes up to multi-user within so many milliseconds. */
export function bootCheck(timeoutMs: number): GuestCheck {
  return {
    name: "boot",
    // systemd before 240 knows no --wait. What it still waits for is said first, should there be no time for more.
    script: `
command -v systemctl >/dev/null || { echo "the system is not run by systemd"; exit 77; }
while :; do
  state=$(systemctl is-system-running 2>/dev/null)
  case $state in
    initializing | starting) systemctl list-jobs --no-legend --plain | awk '{print "waits for " $2}'; sleep 1 ;;
    *) break ;;
  esac
done
echo "state $state"
systemctl show multi-user.target --property=ActiveState --property=ActiveEnterTimestampMonotonic`,
    timeoutMs,
    judge: ({ stdout }) => judgeBoot(stdout),
  };
}

function judgeBoot(stdout: string): Outcome {
  const active = /^ActiveState=(.*)$/m.exec(stdout)?.[1];
  const microseconds = Number(/^ActiveEnterTimestampMonotonic=(\d+)$/m.exec(stdout)?.[1] ?? 0);
  if (active !== "active") {
    const state = /^state (.*)$/m.exec(stdout)?.[1] || "unknown";
    return failed(`multi-user.target is ${active ?? "not known"}, the system is ${state}`);
  }
  return passed(`multi-user after ${(microseconds / 1e6).toFixed(1)} s`);
}

/** Whether every unit that was started works. */
export const failedUnits: GuestCheck = {
  name: "failed units",
  script: `
command -v systemctl >/dev/null || { echo "the system is not run by systemd"; exit 77; }
systemctl list-units --all --state=failed --no-legend --plain --full`,
  judge({ status, stdout, stderr }) {
    if (status !== 0) return skipped(`systemctl cannot tell: ${firstLine(stderr)}`);
    const units = linesOf(stdout).map((line) => line.replace(/^[*●]\s*/, "").split(/\s+/)[0] ?? "");
    return units.length === 0 ? passed("none") : failed(units.join(", "));
  },
};

/** Whether cloud-init, where it is installed, works and waits for a machine of its own. */
export const cloudInit: GuestCheck = {
  name: "cloud-init",
  script: `
command -v cloud-init >/dev/null || { echo "it is not installed"; exit 77; }
[ -e /etc/cloud/cloud-init.disabled ] && { echo "it is switched off by /etc/cloud/cloud-init.disabled"; exit 77; }
cloud-init status --long`,
  judge: judgeCloudInit,
};

// Status 2 and "degraded" are cloud-init 23.4's words for errors that it could live with.
function judgeCloudInit({ status, stdout, stderr }: Parameters<GuestCheck["judge"]>[0]): Outcome {
  const state = /^status: *(.*)$/m.exec(stdout)?.[1]?.trim();
  if (state === undefined) {
    return failed(`it does not tell its status: ${firstLine(stderr) || `exit ${status}`}`);
  }
  const detail = /^detail:\s*(.*)$/m.exec(stdout)?.[1]?.trim() ?? "";
  const degraded = status === 2 || /^extended_status:.*degraded/m.test(stdout);
  if (state === "disabled") return passed("ready, and off without a seed");
  if (state === "done") return passed(degraded ? "done, with errors that it could recover from" : "done");
  return failed(`its status is ${state}${detail === "" ? "" : `: ${detail}`}`);
}
