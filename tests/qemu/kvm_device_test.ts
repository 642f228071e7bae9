import assert from "node:assert/strict";
import { userInfo } from "node:os";
import { join } from "node:path";
import { kvmObstacle, type KvmPlaces, permissionRemedy } from "../../lib/qemu/kvm_device.ts";
import { type TempDir, tempDir } from "../base/temp.ts";

const user = userInfo().username;

function placesIn({ path }: TempDir): KvmPlaces {
  return {
    device: join(path, "kvm"),
    cpuInfo: join(path, "cpuinfo"),
    modules: join(path, "module"),
    groups: join(path, "group"),
  };
}

Deno.test("a device that opens is no obstacle", async () => {
  await using dir = await tempDir({ kvm: "" });
  assert.equal(await kvmObstacle(placesIn(dir)), undefined);
});

Deno.test("without a device the remedy depends on what the processor and the kernel have", async () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{}, /^switch virtualization on in the firmware set-up/],
    [{ cpuinfo: "flags\t\t: fpu sse2\n" }, /^switch virtualization on/],
    [{ cpuinfo: "flags\t\t: fpu vmx sse2\nvmx flags\t: vnmi\n" }, /^sudo modprobe kvm_intel$/],
    [{ cpuinfo: "flags\t\t: fpu svm\n", "module/kvm_intel/x": "" }, /^sudo modprobe kvm_amd$/],
    [{ cpuinfo: "flags\t\t: svm fpu\n", "module/kvm_amd/x": "" }, /docker run --device .*\/kvm$/],
  ];
  for (const [files, remedy] of cases) {
    await using dir = await tempDir(files);
    const obstacle = await kvmObstacle(placesIn(dir));
    assert.equal(obstacle?.problem, `there is no ${dir.path}/kvm`);
    assert.match(obstacle?.remedy ?? "", remedy);
  }
});

Deno.test("who may not open the device is made a member of the group that may", async () => {
  await using dir = await tempDir({ kvm: "" });
  const places = placesIn(dir);
  // Root's own group would not do.
  if (Deno.uid() === 0) await Deno.chown(places.device, null, 4711);
  const { gid } = await Deno.stat(places.device);
  await Deno.chmod(places.device, 0o660);
  await dir.write("group", `wheel:x:10:\nvirt:x:${gid}:bob,alice\n`);
  assert.equal(await permissionRemedy(places), `sudo usermod -aG virt ${user}, then log in again`);
  await dir.write("group", `virt:x:${gid}:bob,${user}\n`);
  assert.equal(
    await permissionRemedy(places),
    `log out and in again: ${user} has become a member of virt since`,
  );
});

Deno.test("a device that no group may open is given to one, and never root's group to a user", async () => {
  await using dir = await tempDir({ kvm: "", group: "root:x:0:\n" });
  const places = placesIn(dir);
  const { device } = places;
  const whole =
    `sudo chown root:kvm ${device} && sudo chmod 660 ${device} && sudo usermod -aG kvm ${user}, then log in again`;
  await Deno.chmod(device, 0o600);
  assert.equal(await permissionRemedy(places), whole);
  if (Deno.uid() !== 0) return;
  await Deno.chown(device, null, 0);
  await Deno.chmod(device, 0o660);
  assert.equal(await permissionRemedy(places), whole);
});

Deno.test("a folder in the place of the device is told in the system's words", async () => {
  await using dir = await tempDir({ "kvm/file": "" });
  assert.match((await kvmObstacle(placesIn(dir)))?.problem ?? "", /kvm cannot be opened: /);
});
