import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { removeLeftovers } from "../../lib/build/leftovers.ts";
import { listBuildFolders, openWorkspace, type Workspace } from "../../lib/build/workspace.ts";
import { exists } from "../../lib/files.ts";
import { buildsDir } from "../../lib/paths.ts";
import { fakeServer } from "../qemu/fake_server.ts";
import { places } from "./places.ts";

const name = "web-amd64-20260102T030405Z";

async function fill({ files }: Workspace): Promise<void> {
  for (const path of Object.values(files)) await Deno.writeTextFile(path, "x");
}

const names = (dir: string) => [...Deno.readDirSync(dir)].map((entry) => entry.name).sort();

/** The monitor of a QEMU that does as it is told, and then closes the connection or hangs. */
function monitor(told: unknown[], atEnd: "closes" | "hangs") {
  return fakeServer(async (peer) => {
    const version = { qemu: { major: 7, minor: 2, micro: 0 } };
    await peer.write(`${JSON.stringify({ QMP: { version, capabilities: [] } })}\n`);
    for (let request = await peer.request(); request !== undefined; request = await peer.request()) {
      told.push(request.execute);
      await peer.write(`${JSON.stringify({ return: {}, id: request.id })}\n`);
      if (request.execute === "quit" && atEnd === "closes") return peer.close();
    }
  });
}

/** A process that holds a workspace until it is told to go, or is killed. */
async function holder(env: Readonly<Record<string, string>>) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(import.meta.dirname!, "hold_workspace.ts"), name],
    env,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  return {
    said: new TextDecoder().decode(value).trim(),
    async end(how: "go" | "kill") {
      if (how === "kill") child.kill("SIGKILL");
      await child.stdin.close().catch(() => {});
      await reader.cancel();
      await child.status;
    },
  };
}

// Large, or a way into the disk.
const notLogs = ["build-key", "disk.qcow2", "efi-vars.fd", "initrd", "kernel"];

for (
  const [what, stays] of [
    ["nothing", () => false],
    ["logs", (file: string) => !notLogs.includes(file)],
    ["everything", () => true],
  ] as const
) {
  Deno.test(`a workspace that keeps ${what} leaves ${what === "logs" ? "no disk and no key" : what}`, async () => {
    await using place = await places();
    let left: string[];
    {
      await using workspace = await openWorkspace(place.paths, name);
      ok(workspace);
      equal((await Deno.stat(workspace.dir)).mode! & 0o777, 0o700);
      await fill(workspace);
      left = names(workspace.dir).filter(stays);
      workspace.keep(what);
    }
    const root = buildsDir(place.paths);
    deepEqual(names(root), left.length === 0 ? [] : [name]);
    if (left.length > 0) deepEqual(names(join(root, name)), left);
    const [folder] = await listBuildFolders(place.paths);
    equal(folder?.running, left.length === 0 ? undefined : false);
    equal(folder?.hasDisk, left.length === 0 ? undefined : what === "everything");
  });
}

Deno.test("other processes see that a build runs, cannot have its name, and see it end", async () => {
  await using place = await places();
  const first = await holder(place.env);
  equal(first.said, "held");
  const state = async () => (await listBuildFolders(place.paths)).map(({ running }) => running);
  // Many who ask at once do not take each other for the build.
  deepEqual(await Promise.all(Array.from({ length: 5 }, state)), Array(5).fill([true]));
  equal(await openWorkspace(place.paths, name), undefined);
  const second = await holder(place.env);
  equal(second.said, "taken");
  await second.end("go");
  deepEqual(await state(), [true]);
  await first.end("go");
  deepEqual(names(buildsDir(place.paths)), []);
});

Deno.test("a build whose process was killed counts as ended, and what it left can be removed", async () => {
  await using place = await places();
  const killed = await holder(place.env);
  await killed.end("kill");
  const [folder] = await listBuildFolders(place.paths);
  ok(folder);
  deepEqual([folder.name, folder.profile, folder.running], [name, "web", false]);

  // The QEMU that went on without its pim is told to quit.
  const told: unknown[] = [];
  await using qemu = await monitor(told, "closes");
  const runtime = place.env.PIM_RUNTIME_DIR!;
  await Deno.symlink(qemu.path, join(runtime, `${name}.qmp`));
  await Deno.writeTextFile(join(runtime, `${name}.serial`), "");
  const imageDir = join(place.dir, "images");
  await Deno.mkdir(imageDir);
  await Deno.writeTextFile(join(imageDir, `${name}.qcow2.part`), "half");
  await Deno.writeTextFile(join(imageDir, "other.qcow2"), "whole");

  await removeLeftovers(folder, place.paths, imageDir);
  deepEqual(told, ["qmp_capabilities", "quit"]);
  deepEqual(names(runtime), []);
  deepEqual(names(imageDir), ["other.qcow2"]);
  deepEqual(names(buildsDir(place.paths)), []);
});

Deno.test("a QEMU that hangs at its end does not keep what its build left", async () => {
  await using place = await places();
  await (await holder(place.env)).end("kill");
  const [folder] = await listBuildFolders(place.paths);
  ok(folder);
  const told: unknown[] = [];
  await using qemu = await monitor(told, "hangs");
  await Deno.symlink(qemu.path, join(place.env.PIM_RUNTIME_DIR!, `${name}.qmp`));
  await removeLeftovers(folder, place.paths, place.dir);
  deepEqual(told, ["qmp_capabilities", "quit"]);
  deepEqual(names(buildsDir(place.paths)), []);
});

Deno.test("asking which builds there are creates nothing", async () => {
  await using place = await places();
  deepEqual(await listBuildFolders(place.paths), []);
  ok(!(await exists(buildsDir(place.paths))));
  await Deno.mkdir(join(buildsDir(place.paths), name), { recursive: true });
  equal((await listBuildFolders(place.paths)).length, 1);
  deepEqual(names(join(buildsDir(place.paths), name)), []);
});

Deno.test("build folders are listed oldest first, and other folders are not builds", async () => {
  await using place = await places();
  const all = ["b-amd64-20260103T000000Z", "c-arm64-20260101T000000Z", "a-b-amd64-20260102T000000Z"];
  for (const each of [...all, ".hidden", "something"]) {
    await Deno.mkdir(join(buildsDir(place.paths), each), { recursive: true });
  }
  deepEqual((await listBuildFolders(place.paths)).map(({ profile }) => profile), ["c", "a-b", "b"]);
});
