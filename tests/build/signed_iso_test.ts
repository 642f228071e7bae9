import { equal, match, rejects } from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { ensureIso } from "../../lib/build/steps/ensure_iso.ts";
import type { PimError } from "../../lib/errors.ts";
import { readRecord } from "../../lib/iso/record.ts";
import { newGpg } from "../iso/verify/gpg.ts";
import { places } from "./places.ts";
import { hostReady, smallConfig, told } from "./states.ts";

Deno.test("a build verifies the signature of an ISO's checksum with the keys beside its profiles", async () => {
  await using gpg = await newGpg();
  const [key, other] = [await gpg.makeKey("Images"), await gpg.makeKey("Other")];
  await using place = await places(smallConfig());
  const config = (await place.config()).folders[0]?.path ?? "";
  const iso = join(place.dir, "small.iso");
  await Deno.writeTextFile(iso, "iso");
  const sums = `${createHash("sha256").update("iso").digest("hex")}  small.iso\n`;
  await Deno.writeTextFile(join(place.dir, "SHA256SUMS"), sums);
  await Deno.writeFile(join(place.dir, "SHA256SUMS.sign"), await gpg.sign(sums, key, "--detach-sign"));
  await Deno.mkdir(join(config, "keys.d"));
  for (const each of [key, other]) {
    await Deno.writeFile(join(config, "keys.d", `${each}.gpg`), await gpg.publicKey(each));
  }
  const entry = (by: string) =>
    Deno.writeTextFile(
      join(config, "isos.d", "small.yml"),
      `small:\n  url: ${iso}\n  architecture: amd64\n  checksum_url: ${
        iso.replace("small.iso", "SHA256SUMS")
      }\n` +
        `  signature_url: ${iso.replace("small.iso", "SHA256SUMS.sign")}\n  signing_key: ${by}\n`,
    );
  await using context = told();
  await entry(other);
  {
    await using state = await hostReady(place);
    await rejects(ensureIso.run(state, context), (error: PimError) => {
      equal(error.exitCode, 5);
      match(error.message, new RegExp(`by ${key} is not accepted`));
      return true;
    });
  }
  await entry(key);
  await using state = await hostReady(place);
  equal((await ensureIso.run(state, context)).iso.verified, true);
  const { iso: planned, config: { settings } } = state.plan;
  equal((await readRecord(planned, settings.iso.iso_dir))?.signature?.fingerprint, key);
});
