import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exists, isLocked, lockFile } from "../../lib/files.ts";
import { findVerificationScript } from "../../lib/verify/subject.ts";
import { boot } from "../../lib/verify/boot.ts";
import { openScratch } from "../../lib/verify/scratch.ts";
import { verifyDir } from "../../lib/paths.ts";
import { findProcess } from "../../lib/process_table.ts";
import { tempDir } from "../base/temp.ts";
import { smallVms } from "../vm/small_vms.ts";

const { signal } = new AbortController();

Deno.test("a script named after the profile comes before default, and pim's own examples do not count", async () => {
  await using dir = await tempDir({
    "project/verifications.d/default.sh": "",
    "user/verifications.d/web.sh": "",
    "built-in/verifications.d/db.sh": "",
  });
  const folders = (["project", "user", "built-in"] as const)
    .map((kind) => ({ kind, path: join(dir.path, kind) }));
  const found = async (profile: string) => (await findVerificationScript(folders, profile))?.path;
  strictEqual(await found("web"), join(dir.path, "user/verifications.d/web.sh"));
  strictEqual(await found("db"), join(dir.path, "project/verifications.d/default.sh"));
  strictEqual(await findVerificationScript(folders.slice(1), "db"), undefined);
});

Deno.test("a machine of a verification is a VM among the running ones, and nothing of it stays", async () => {
  await using vms = await smallVms();
  const { places, image, dir } = vms;
  const subject = {
    source: { vmName: "small", path: image, format: "qcow2", architecture: "amd64", firmware: "bios" },
    memoryMiB: 64,
    cpus: 1,
    guestSshPort: 22,
    profile: "there is none",
  } as const;
  const serialLog = join(dir, "verify.log");
  {
    await using scratch = await openScratch(places, "small");
    const { vmName } = scratch.places;
    await using booted = await boot(subject, { places: scratch.places, signal, serialLog });
    deepStrictEqual([...(await vms.qemus())], [[vmName, booted.started.vm.pid]]);
    ok(!(await exists(places.vmsDir)), "the user's VMs are elsewhere");
  }
  strictEqual((await vms.qemus()).size, 0);
  deepStrictEqual([...Deno.readDirSync(verifyDir(places.cacheDir))], []);
  ok(await exists(serialLog), "its serial log is kept where it was asked for");
  deepStrictEqual(
    [...Deno.readDirSync(places.runtimeDir)].map(({ name }) => name).filter((name) => name !== "locks"),
    [],
  );
});

Deno.test("what a pim that was killed has left of a verification goes with the next one", async () => {
  await using vms = await smallVms();
  const root = verifyDir(vms.places.cacheDir);
  const vmName = "verify-old-1";
  // As it is left behind: nobody holds the lock, and QEMU goes on.
  const left = await vms.run(vmName, {}, {});
  await Deno.mkdir(join(root, vmName), { recursive: true });
  await Deno.writeTextFile(join(root, vmName, "lock"), "");
  await using scratch = await openScratch(vms.places, "small");
  strictEqual(await findProcess(left.vm.pid), undefined);
  deepStrictEqual([...Deno.readDirSync(root)].map(({ name }) => name), [scratch.places.vmName]);
});

Deno.test("a folder that another pim takes for a stale one before it is locked is made anew", async () => {
  await using vms = await smallVms();
  const dir = join(verifyDir(vms.places.cacheDir), `verify-small-${Deno.pid}`);
  const lockPath = join(dir, "lock");
  const other = await lockFile(lockPath);
  const opening = openScratch(vms.places, "small");
  // It waits for the lock by then; should it not, there is nothing to be seen.
  await sleep(100);
  await Deno.remove(dir, { recursive: true });
  await other[Symbol.asyncDispose]();
  await using scratch = await opening;
  deepStrictEqual([scratch.places.vmsDir, await isLocked(lockPath)], [dir, true]);
});
