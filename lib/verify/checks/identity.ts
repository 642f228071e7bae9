import { type GuestCheck, linesOf } from "../guest_check.ts";
import { failed, type Outcome, passed, skipped } from "../verification.ts";

/** What tells one machine from another. */
export interface Identity {
  readonly machineId: string;
  /** The public SSH host keys, without comments. */
  readonly hostKeys: readonly string[];
}

/** The script that prints a machine's identity. */
export const identityScript: Pick<GuestCheck, "script"> = {
  script: `
echo "id $(cat /etc/machine-id)"
for file in /etc/ssh/ssh_host_*_key.pub; do
  if [ -f "$file" ]; then echo "key $(cut -d' ' -f1,2 "$file")"; fi
done`,
};

/** Reads what {@linkcode identityScript} printed. */
export function parseIdentity(stdout: string): Identity {
  const of = (what: string) =>
    linesOf(stdout).filter((line) => line.startsWith(`${what} `)).map((line) => line.slice(what.length + 1));
  return { machineId: of("id")[0] ?? "", hostKeys: of("key") };
}

/** Compares two machines of one image: each has to have a machine-id and host keys of its own. */
export function judgeIdentity(first: Identity, second: Identity): { machineId: Outcome; hostKeys: Outcome } {
  const shared = first.hostKeys.filter((key) => second.hostKeys.includes(key));
  const types = (keys: readonly string[]) => keys.map((key) => key.split(" ")[0]).join(", ");
  return {
    machineId: !/^[0-9a-f]{32}$/.test(first.machineId)
      ? failed(`the machine has none: ${JSON.stringify(first.machineId)}`)
      : first.machineId === second.machineId
      ? failed(`two machines of the image have the same: ${first.machineId}`)
      : passed("each machine of the image has its own"),
    hostKeys: first.hostKeys.length === 0
      ? skipped("there are none")
      : shared.length > 0
      ? failed(`two machines of the image have the same: ${types(shared)}`)
      : passed(`each machine of the image has its own: ${types(first.hostKeys)}`),
  };
}
