import assert from "node:assert/strict";
import { join } from "node:path";
import { exitCode } from "../../lib/errors.ts";
import { filesOfVm, runtimeFiles } from "../../lib/paths.ts";
import { SshError } from "../../lib/ssh/errors.ts";
import { awaitSsh } from "../../lib/vm/login/await_ssh.ts";
import type { RunRecord } from "../../lib/vm/run_record.ts";
import type { RunningVm } from "../../lib/vm/vms.ts";
import { tempDir } from "../base/temp.ts";
import { freePort, startSshd } from "../ssh/sshd.ts";

const limits = { timeoutMs: 300, signal: new AbortController().signal };

/** A VM in this folder, as far as waiting needs one: its process is this one. */
function vmIn(dir: string, startedMs = 0): RunningVm {
  return {
    name: "demo",
    pid: Deno.pid,
    files: runtimeFiles(dir, "demo"),
    folder: filesOfVm(dir),
    definition: undefined,
    record: { startedMs } as RunRecord,
    problem: undefined,
  };
}

Deno.test("a guest whose SSH has just answered is not asked again, one of whom that is longer ago is", async () => {
  await using dir = await tempDir();
  const vm = vmIn(dir.path);
  const knownHostsFile = join(dir.path, "known_hosts");
  const target = { vmName: "demo", host: "127.0.0.1", knownHostsFile };
  {
    await using sshd = await startSshd();
    await awaitSsh(vm, { ...target, port: sshd.port }, { ...limits, timeoutMs: 20_000 });
  }
  assert.equal((await Deno.stat(knownHostsFile)).mode! & 0o777, 0o600);
  const closed = { ...target, port: freePort() };
  await Deno.utime(knownHostsFile, new Date(), new Date());
  await awaitSsh(vm, closed, limits);
  for (const mtimeMs of [Date.now() - 3_000, Date.now() + 60_000]) {
    await Deno.utime(knownHostsFile, mtimeMs / 1000, mtimeMs / 1000);
    await assert.rejects(awaitSsh(vm, closed, limits), (error) => {
      assert(error instanceof SshError);
      assert.equal(error.exitCode, exitCode.timeout);
      assert.match(error.hint ?? "", /pim log demo/);
      return true;
    });
  }
});

Deno.test("what answered before the VM's last start is asked again, however short a time ago that was", async () => {
  await using dir = await tempDir();
  const knownHostsFile = join(dir.path, "known_hosts");
  await Deno.writeTextFile(knownHostsFile, "");
  const justNow = (await Deno.stat(knownHostsFile)).mtime!.getTime();
  const closed = { vmName: "demo", host: "127.0.0.1", port: freePort(), knownHostsFile };
  await assert.rejects(awaitSsh(vmIn(dir.path, justNow + 1), closed, limits), SshError);
});

Deno.test("a folder that cannot be written to keeps nobody from logging in", async () => {
  await using dir = await tempDir();
  await using sshd = await startSshd();
  const knownHostsFile = join(dir.path, "none", "known_hosts");
  await awaitSsh(vmIn(dir.path), { vmName: "demo", host: "127.0.0.1", port: sshd.port, knownHostsFile }, {
    ...limits,
    timeoutMs: 20_000,
  });
});
