import assert from "node:assert/strict";
import { join } from "node:path";
import { newUser } from "../pim.ts";

Deno.test({
  name: "an lsblk that is too old is told of, with what goes without it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using user = await newUser({
      // As that of util-linux 2.36 ends.
      "bin/lsblk": "#!/bin/sh\necho 'lsblk: unknown column: MOUNTPOINTS' >&2\nexit 1\n",
    });
    const bin = join(user.path, "bin");
    await Deno.chmod(join(bin, "lsblk"), 0o755);
    const { code, stderr } = await user.run([...user.argv, "ventoy", "list"], {
      env: { PATH: `${bin}:${user.env.PATH}` },
    });
    assert.equal(code, 3);
    assert.equal(
      stderr,
      "error: Disks can only be looked at on Linux with lsblk (util-linux 2.37 or later)\n" +
        "hint: Name the folder where the stick is mounted, such as /Volumes/Ventoy.\n",
    );
  },
});
