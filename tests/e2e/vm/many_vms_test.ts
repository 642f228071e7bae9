import assert from "node:assert/strict";
import { findVm } from "../../../lib/vm/vms.ts";
import { smallArgs, type SmallVms, smallVms } from "../../vm/small_vms.ts";

interface Listed {
  readonly name: string;
  readonly state: string;
  readonly pid?: number;
  readonly sshPort?: number;
}

async function list(vms: SmallVms): Promise<Listed[]> {
  const ps = await vms.pim("ps", "-a", "--json");
  assert.equal(ps.code, 0, ps.stderr);
  return JSON.parse(ps.stdout);
}

Deno.test("twenty VMs start at once from as many pims, without any collision, and stop at once", async () => {
  await using vms = await smallVms();
  const names = Array.from({ length: 20 }, (_, index) => `vm${index}`);
  const starts = await Promise.all(
    names.map((name) =>
      vms.pim("run", vms.image, "--name", name, ...smallArgs, "--forward", "0:80", "--vnc", "--json")
    ),
  );
  for (const { code, stderr } of starts) assert.equal(code, 0, stderr);
  const ports = starts.flatMap(({ stdout }) => {
    const { forwards, vncPort } = JSON.parse(stdout);
    return [vncPort, ...forwards.map(({ hostPort }: { hostPort: number }) => hostPort)];
  });
  assert.equal(new Set(ports).size, 60);
  const listed = await list(vms);
  assert.deepEqual(listed.map(({ name }) => name), names.toSorted());
  assert.deepEqual(new Set(listed.map(({ state }) => state)), new Set(["prelaunch"]));
  assert.equal(new Set(listed.map(({ pid }) => pid)).size, 20);
  assert.equal((await findVm(vms.places, "vm1")).name, "vm1", "which is the beginning of ten other names");
  const stop = await vms.pim("stop", "--all", "--force");
  assert.deepEqual([stop.code, stop.stdout.trim().split("\n").length], [0, 20], stop.stderr);
  assert.deepEqual(await vms.qemus(), new Map());
  const rm = await vms.pim("rm", ...names);
  assert.equal(rm.code, 0, rm.stderr);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(vms.places.vmsDir)), []);
});

Deno.test("of five pims that start the same VM one does, and the others say that it runs", async () => {
  await using vms = await smallVms();
  for (const disk of ["overlay", "snapshot"]) {
    const starts = await Promise.all(
      Array.from(
        { length: 5 },
        () => vms.pim("run", vms.image, "--name", "demo", "--disk", disk, ...smallArgs),
      ),
    );
    assert.deepEqual(starts.map(({ code }) => code).sort(), [0, 2, 2, 2, 2]);
    for (const { code, stderr } of starts) {
      if (code !== 0) assert.match(stderr, /^error: The VM demo is running already\nhint: .*--name NAME$/m);
    }
    assert.equal((await vms.qemus()).size, 1);
    assert.equal((await vms.pim("rm", "--force", "demo")).code, 0);
  }
});
