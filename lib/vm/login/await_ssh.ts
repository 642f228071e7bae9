import { messageOf, PimError } from "../../errors.ts";
import { log } from "../../log.ts";
import { findProcess } from "../../process_table.ts";
import { waitForBanner } from "../../ssh/banner.ts";
import { SshError } from "../../ssh/errors.ts";
import type { WaitLimits } from "../guest/guest_address.ts";
import type { SshTarget } from "./ssh_args.ts";
import type { RunningVm } from "../vms.ts";

const patientMs = 1_000;

// From OpenSSH 9.8 on, sshd takes who connects and does not log in for an attacker: 1 s of penalty each time, and nobody
// is let in from 15 s on (PerSourcePenalties of sshd_config(5)). So that many a `pim ssh` in a row does not add up to
// that, a guest that has just answered is not asked again.
const answerHoldsMs = 2_000;

/** Waits until the SSH of a VM answers, and says so when it takes long; throws when the VM ends meanwhile. */
export async function awaitSsh(vm: RunningVm, target: SshTarget, limits: WaitLimits): Promise<void> {
  if (await hasJustAnswered(vm, target)) return;
  const { timeoutMs, signal } = limits;
  using life = watchLife(vm);
  const note = setTimeout(() => log.info(`Waiting for the SSH of ${vm.name}`), patientMs);
  try {
    await awaitBanner(vm, target, { timeoutMs, signal: AbortSignal.any([signal, life.ended]) });
  } finally {
    clearTimeout(note);
  }
  await rememberAnswer(target);
}

/** Waits until the SSH of a VM answers there; the error of one that does not says where to look. */
export async function awaitBanner(
  { name }: Pick<RunningVm, "name">,
  { host, port }: Pick<SshTarget, "host" | "port">,
  { timeoutMs, signal }: WaitLimits,
): Promise<void> {
  try {
    await waitForBanner({ host, port, deadlineMs: timeoutMs, signal });
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    throw new SshError(error.kind, error.message, {
      cause: error,
      hint: `See how far the guest has come: pim log ${name}, or log in there: pim console ${name}`,
    });
  }
}

/** When SSH last answered is the time of the file with its host keys: ssh writes it, and so do we. */
async function hasJustAnswered({ record }: RunningVm, { knownHostsFile }: SshTarget): Promise<boolean> {
  const answeredMs = (await Deno.stat(knownHostsFile).catch(() => undefined))?.mtime?.getTime() ?? 0;
  const agoMs = Date.now() - answeredMs;
  // What answered before this start was another one.
  return agoMs >= 0 && agoMs < answerHoldsMs && answeredMs >= (record?.startedMs ?? 0);
}

async function rememberAnswer({ knownHostsFile }: SshTarget): Promise<void> {
  try {
    using _file = await Deno.open(knownHostsFile, { append: true, create: true, mode: 0o600 });
    await Deno.utime(knownHostsFile, new Date(), new Date());
  } catch (error) {
    log.debug(`Cannot touch ${knownHostsFile}: ${messageOf(error)}`);
  }
}

/** Looks each second whether the QEMU of a VM is still there. */
function watchLife(vm: RunningVm): Disposable & { readonly ended: AbortSignal } {
  const controller = new AbortController();
  const timer = setInterval(async () => {
    if (await findProcess(vm.pid) !== undefined) return;
    clearInterval(timer);
    controller.abort(
      new PimError(`The VM ${vm.name} has ended while pim waited for its SSH`, {
        hint: `See what it said last: pim log ${vm.name}`,
      }),
    );
  }, patientMs);
  return { ended: controller.signal, [Symbol.dispose]: () => clearInterval(timer) };
}
