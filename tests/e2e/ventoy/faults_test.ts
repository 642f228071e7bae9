import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exists } from "../../../lib/files.ts";
import { type Running, start } from "../../../lib/process.ts";
import { isMounted, kernelExfat, type LoopDisk, loopDisk, named, noDisks } from "./loop_disk.ts";
import { bytes, type StickUser, stickUser } from "./stick_user.ts";

function diskTest(name: string, fn: (user: StickUser) => Promise<void>, leftOut?: string): void {
  Deno.test({
    name: leftOut === undefined ? named(name) : `${name} (left out: ${leftOut})`,
    ignore: noDisks !== undefined || leftOut !== undefined,
    async fn() {
      await using user = await stickUser();
      await fn(user);
    },
  });
}

const bigBytes = 160 * 1024 * 1024;

interface Halfway extends AsyncDisposable {
  readonly pim: Running;
  /** Where pim has mounted the stick. */
  readonly folder: string;
}

/** Starts a copy and stops it (SIGSTOP) while the ISO is on the stick in part. */
async function halfway(user: StickUser, stick: LoopDisk): Promise<Halfway> {
  const folder = join(user.path, "run/pim/ventoy", stick.partition(1).replace("/dev/", ""));
  const argv = [...user.argv, "ventoy", "copy", stick.path, "--iso", "big"];
  const pim = start(argv, { env: { ...user.env, NO_COLOR: "1" } });
  let over = false;
  pim.ended.then(() => over = true);
  for (;;) {
    if (over) throw new Error(`it ended too early: ${pim.stderr()}`);
    const part = await Deno.stat(join(folder, "big.iso.pim-part")).catch(() => undefined);
    if (part !== undefined && part.size > 0) break;
    await sleep(2);
  }
  pim.kill("SIGSTOP");
  return {
    pim,
    folder,
    async [Symbol.asyncDispose]() {
      pim.kill("SIGKILL");
      await pim.ended;
    },
  };
}

/** The daemon that serves a mount of exFAT by FUSE. */
async function fuseDaemon(device: string): Promise<number> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const argv = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (/^\S*mount\.exfat-fuse\0/.test(argv) && argv.includes(`\0${device}\0`)) return Number(name);
  }
  throw new Error(`nobody serves ${device}`);
}

/** An ISO of zeros, which costs no room on this machine's disk. */
async function addBigIso(user: StickUser): Promise<void> {
  const path = await user.addIso("big", new Uint8Array());
  await Deno.truncate(path, bigBytes);
  await user.write("config/pim/isos.d/big.yml", `big: { url: "${path}", architecture: amd64 }\n`);
}

async function namesOn(user: StickUser, stick: LoopDisk): Promise<string[]> {
  return await user.within(
    stick,
    (folder) => Promise.resolve([...Deno.readDirSync(folder)].map(({ name }) => name)),
  );
}

diskTest(
  "a copy that is killed leaves a part, which the next copy clears away before it begins anew",
  async (user) => {
    await addBigIso(user);
    await using stick = await user.stick(260);
    await using copying = await halfway(user, stick);
    const { pim } = copying;
    pim.kill("SIGKILL");
    await pim.ended;
    assert.ok(await isMounted(stick.path), "nobody could unmount it");
    const { code, stderr } = await user.pim("ventoy", "copy", stick.path, "--iso", "big");
    assert.equal(code, 0, stderr);
    assert.ok(!await isMounted(stick.path));
    assert.deepEqual((await namesOn(user, stick)).sort(), ["big.iso", "pim", "ventoy"]);
  },
);

diskTest("Ctrl-C halfway leaves nothing mounted and no part of an ISO", async (user) => {
  await addBigIso(user);
  await using stick = await user.stick(260);
  await using copying = await halfway(user, stick);
  const { pim, folder } = copying;
  // While one pim works on a stick, another one keeps away.
  const second = await user.pim("ventoy", "copy", stick.path, "--iso", "big");
  assert.match(second.stderr, /Another pim works on/);
  pim.kill("SIGINT");
  pim.kill("SIGCONT");
  assert.equal((await pim.ended).code, 130, pim.stderr());
  assert.ok(!await isMounted(stick.path));
  assert.ok(!await exists(folder));
  assert.deepEqual(await namesOn(user, stick), []);
});

diskTest("a stick that goes away halfway is told of, and nothing stays mounted", async (user) => {
  await addBigIso(user);
  await using stick = await user.stick(260);
  await using copying = await halfway(user, stick);
  const { pim } = copying;
  // What reads and writes the stick is gone: every access fails from now on, as when it is pulled out.
  Deno.kill(await fuseDaemon(stick.partition(1)), "SIGKILL");
  pim.kill("SIGCONT");
  const { code } = await pim.ended;
  assert.equal(code, 1, pim.stderr());
  assert.match(pim.stderr(), /Cannot copy big to the stick: [^]*Was it pulled out\?/);
  assert.ok(!await isMounted(stick.path));
}, kernelExfat ? "the kernel itself mounts exFAT: there is nothing to kill" : undefined);

diskTest("a stick that is too full is told of before the first byte is written", async (user) => {
  await addBigIso(user);
  await user.addIso("small", bytes(5000));
  await using stick = await user.stick(100);
  const { code, stderr } = await user.pim("ventoy", "copy", stick.path, "--iso", "small", "--iso", "big");
  assert.equal(code, 1);
  assert.match(
    stderr,
    /The stick is too full: 164 MiB are needed and \d+(\.\d+)? MiB are free; nothing was copied/,
  );
  assert.deepEqual(await namesOn(user, stick), []);
});

diskTest("a stick that is write-protected can be looked at and not copied to", async (user) => {
  await user.addIso("small", bytes(5000));
  await using stick = await user.stick(100);
  await using locked = await loopDisk(100, { readOnly: true, file: stick.file });
  const { code, stderr } = await user.pim("ventoy", "copy", locked.path, "--iso", "small");
  assert.equal(code, 2, stderr);
  assert.match(stderr, /cannot be written to: it is write-protected/);
  assert.equal((await user.pim("ventoy", "status", locked.path)).code, 0);
  assert.ok(!await isMounted(locked.path));
});
