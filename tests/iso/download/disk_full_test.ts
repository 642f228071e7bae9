import assert from "node:assert/strict";
import { join } from "node:path";
import { HostError } from "../../../lib/errors.ts";
import { downloadIso } from "../../../lib/iso/download/download.ts";
import { claimSpace } from "../../../lib/iso/download/space.ts";
import { isoStatus } from "../../../lib/iso/status.ts";
import { run, which } from "../../../lib/process.ts";
import { bench, failsWith, parallel, sha256 } from "./download_bench.ts";
import { rangeOf } from "./file_server.ts";

const canMount = Deno.build.os === "linux" && Deno.uid() === 0 && await which("mount") !== undefined &&
  await tmpfs(1, () => Promise.resolve()).then(() => true, () => false);

/** A file system of its own that holds so many MiB. */
async function tmpfs(mebibytes: number, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(["mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "pim-test", folder]);
    try {
      await work(folder);
    } finally {
      // Lazily: a thread that was ended a moment ago may still have a file open.
      await run(["umount", "-l", folder]);
    }
  } finally {
    await Deno.remove(folder);
  }
}

const large = new Uint8Array(3 * 1024 ** 2).fill(7);
const largeParts = { ...parallel, stretchBytes: 256 * 1024 };

Deno.test({
  name: "a disk that fills up midway ends the download with what is kept, and it goes on when there is space",
  ignore: !canMount,
  fn: () =>
    bench(({ server, entry }) =>
      tmpfs(4, async (folder) => {
        server.content = large;
        const iso = entry({ checksum: { algorithm: "sha256", hash: sha256(large) } });
        // Somebody else takes the space after it was asked for.
        const hog = join(folder, "hog");
        server.misbehave = (_request, _response, count) => {
          if (count === 3) Deno.writeFileSync(hog, new Uint8Array(3 * 1024 ** 2));
          return false;
        };
        await assert.rejects(downloadIso(iso, folder, largeParts), (error) => {
          assert.ok(error instanceof HostError, String(error));
          assert.match(error.message, /a\.iso\.part: the disk is full/);
          assert.match(
            error.hint ?? "",
            /^The \d+ bytes so far are kept: free some space .*pim iso download test/,
          );
          return true;
        });
        assert.equal((await isoStatus(iso, folder)).state, "partial");
        await Deno.remove(hog);
        assert.equal((await downloadIso(iso, folder, largeParts)).verified, true);
      })
    ),
});

Deno.test({
  name: "what an unfinished download has already does not count as needed",
  ignore: !canMount,
  fn: () =>
    bench(({ server, entry }) =>
      tmpfs(4, async (folder) => {
        server.content = large;
        const iso = entry({ checksum: { algorithm: "sha256", hash: sha256(large) } });
        const controller = new AbortController();
        const options = { ...largeParts, signal: controller.signal };
        const heldBack = 2 * 1024 ** 2;
        server.misbehave = (request) => rangeOf(request, large.length).start >= heldBack;
        const onProgress = ({ bytes }: { bytes: number }) => bytes >= heldBack && controller.abort();
        await assert.rejects(
          downloadIso(iso, folder, { ...options, onProgress }),
          failsWith(130, /Cancelled/),
        );
        server.misbehave = () => false;
        assert.equal((await downloadIso(iso, folder, largeParts)).verified, true);
      })
    ),
});

Deno.test({
  name: "files that are downloaded side by side do not count on the same space",
  ignore: !canMount,
  fn: () =>
    tmpfs(4, async (folder) => {
      const claim = await claimSpace(folder, "a", () => 3 * 1024 ** 2);
      await assert.rejects(
        claimSpace(folder, "b", () => 2 * 1024 ** 2),
        failsWith(
          3,
          /No space for b: 2 MiB are needed, 3 MiB more by other downloads, and 4 MiB are free .*; 1 MiB are missing/,
        ),
      );
      claim[Symbol.dispose]();
      (await claimSpace(folder, "b", () => 2 * 1024 ** 2))[Symbol.dispose]();
    }),
});
