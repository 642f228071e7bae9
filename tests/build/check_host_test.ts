import { equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { checkHost } from "../../lib/build/steps/check_host.ts";
import { HostError, UsageError } from "../../lib/errors.ts";
import { exists } from "../../lib/files.ts";
import { registryFile } from "../../lib/paths.ts";
import { run } from "../../lib/process.ts";
import { places } from "./places.ts";
import { planned, smallConfig, told } from "./states.ts";

function fails(
  promise: Promise<unknown>,
  type: typeof HostError | typeof UsageError,
  message: RegExp,
  hint: RegExp,
) {
  return rejects(promise, (error) => {
    ok(error instanceof type, String(error));
    match(error.message, message);
    match(error.hint ?? "", hint);
    return true;
  });
}

Deno.test("a host that can do it is described, with its accelerator and why not a faster one", async () => {
  await using place = await places(smallConfig('build: { diskSize: "64M" }'));
  await using state = await planned(place);
  await using context = told();
  const { host } = await checkHost.run(state, context);
  equal(host.architecture, "amd64");
  match(context.lines[0] ?? "", /^QEMU \d+\.\d+\.\d+, accelerator (kvm|tcg \(.+\)|hvf)$/);
});

Deno.test("a fixed SSH port that is taken is noticed before anything else is done", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await using place = await places(smallConfig('build: { diskSize: "64M" }'), {
    PIM_BUILD_SSH_PORT: String(port),
  });
  await using state = await planned(place);
  await using context = told();
  await fails(
    checkHost.run(state, context),
    HostError,
    new RegExp(
      `Port ${port} of 127\\.0\\.0\\.1, which build\\.ssh\\.port asks for, cannot be used: .*in use`,
    ),
    /PIM_BUILD_SSH_PORT=0/,
  );
});

Deno.test("a damaged registry is noticed and copied, and stays as it is", async () => {
  await using place = await places(smallConfig());
  const path = registryFile(place.paths);
  await Deno.mkdir(join(path, ".."));
  await Deno.writeTextFile(path, "version: 1\nimages: {]\n");
  await using state = await planned(place);
  await using context = told();
  await fails(
    checkHost.run(state, context),
    UsageError,
    /The image registry .* is damaged/,
    /a copy is in .*damaged-/,
  );
  equal(await Deno.readTextFile(path), "version: 1\nimages: {]\n");
});

Deno.test("too little room is told with the sum, before it runs out", async () => {
  await using place = await places(smallConfig('build: { diskSize: "64M" }'));
  const full = join(place.dir, "full");
  await Deno.mkdir(full);
  try {
    await run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", full]);
  } catch {
    return; // Only root can make a file system of its own.
  }
  try {
    const config = await place.config();
    const build = { ...config.settings.build, image_dir: join(full, "images") };
    await using state = await planned(place);
    const plan = { ...state.plan, config: { ...config, settings: { ...config.settings, build } } };
    await using context = told();
    await fails(
      checkHost.run({ ...state, plan }, context),
      HostError,
      /Not enough room on the file system of .*: 64 MiB for the finished image needed, .* free, .* missing/,
      /pim build clean/,
    );
  } finally {
    await run(["umount", full]);
  }
});

Deno.test("an image folder that cannot be written is noticed before the build", async () => {
  await using place = await places(smallConfig('build: { diskSize: "64M" }'), {
    PIM_BUILD_IMAGE_DIR: "/dev/null/images",
  });
  await using state = await planned(place);
  await using context = told();
  await fails(
    checkHost.run(state, context),
    HostError,
    /Cannot write to the image folder \/dev\/null\/images: /,
    /build\.image_dir/,
  );
  ok(await exists(state.workspace.dir));
});
