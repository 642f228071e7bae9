import assert from "node:assert/strict";
import { dearmor, isKeybox, publicKeysOf, readPackets } from "../../../lib/iso/verify/openpgp.ts";
import { readStatus } from "../../../lib/iso/verify/gpg_status.ts";
import { join } from "node:path";
import { newGpg } from "./gpg.ts";

Deno.test("keys are read with the fingerprints that gpg gives them, armoured or not, one after another", async () => {
  await using gpg = await newGpg();
  const [one, two] = [await gpg.makeKey("One"), await gpg.makeKey("Two")];
  const subkey = await gpg.addSubkey(one);
  const [first, second] = [await gpg.publicKey(one), await gpg.publicKey(two)];
  const both = new Uint8Array([...first, ...second]);
  const keys = publicKeysOf(both);
  assert.deepEqual(keys.map(({ fingerprints }) => fingerprints), [[one, subkey], [two]]);
  assert.deepEqual(keys.map(({ bytes }) => [...bytes]), [[...first], [...second]]);
  const armoured = await gpg.publicKey(one, "--armor");
  assert.deepEqual([...dearmor(armoured, "PUBLIC KEY BLOCK")], [...first]);
  const text = new TextDecoder().decode(armoured);
  const twice = `Some words.\n${text}${new TextDecoder().decode(await gpg.publicKey(two, "--armor"))}`;
  assert.equal(publicKeysOf(new TextEncoder().encode(twice)).length, 2);
  const windows = text.replace("BLOCK-----\n", "BLOCK-----\nComment: x\n").replaceAll("\n", "\r\n");
  assert.equal(publicKeysOf(new TextEncoder().encode(windows))[0]?.fingerprints[0], one);
});

Deno.test("what is damaged or no key has no keys, whatever its bytes are", async () => {
  await using gpg = await newGpg();
  const key = await gpg.publicKey(await gpg.makeKey("One"));
  for (const length of [0, 1, 2, 5, 50, key.length - 1]) {
    assert.deepEqual(publicKeysOf(key.subarray(0, length)), [], String(length));
  }
  for (let seed = 0; seed < 200; seed++) {
    const noise = crypto.getRandomValues(new Uint8Array(seed));
    const packets = readPackets(noise);
    assert.ok(packets === undefined || packets.at(-1)?.end === noise.length);
  }
  assert.deepEqual(publicKeysOf(new TextEncoder().encode("no key")), []);
  assert.equal(isKeybox(await Deno.readFile(join(gpg.home, "pubring.kbx"))), true);
  assert.equal(isKeybox(key), false);
});

Deno.test("what gpgv says is judged signature by signature", () => {
  const fingerprint = "1234".repeat(10);
  const primary = "ABCD".repeat(10);
  const valid = (hash: number) =>
    `[GNUPG:] VALIDSIG ${fingerprint} 2026-11-26 1795660034 0 4 0 22 ${hash} 00 ${primary}`;
  const verdicts = (...lines: string[]) =>
    readStatus(lines.map((line) => line.startsWith("[") ? line : `[GNUPG:] ${line}`).join("\n"))
      .map(({ verdict }) => verdict);
  assert.deepEqual(
    readStatus(`noise\n[GNUPG:] NEWSIG a@b\n[GNUPG:] GOODSIG 1234 J%C3%B6rg %25 <j@x>\n${valid(8)}\n`),
    [{
      verdict: "good",
      fingerprint,
      primaryFingerprint: primary,
      userId: "Jörg % <j@x>",
      madeAt: "2026-11-26T02:27:14.000Z",
    }],
  );
  assert.deepEqual(verdicts("NEWSIG", "GOODSIG 1 x", valid(2)), ["weak"]);
  assert.deepEqual(verdicts("NEWSIG", "EXPKEYSIG 1 x", valid(8)), ["expired-key"]);
  assert.deepEqual(verdicts("NEWSIG", "REVKEYSIG 1 x", valid(8)), ["revoked-key"]);
  assert.deepEqual(verdicts("NEWSIG", "EXPSIG 1 x", valid(8)), ["expired"]);
  assert.deepEqual(verdicts("NEWSIG", "GOODSIG 1 x"), ["broken"]);
  assert.deepEqual(verdicts("NEWSIG", valid(8)), ["broken"]);
  assert.deepEqual(verdicts("NEWSIG", "BADSIG 1 x", "NEWSIG", "GOODSIG 1 x", valid(10)), ["bad", "good"]);
  assert.deepEqual(
    verdicts("NEWSIG", "ERRSIG 1 22 8 00 1 9 -", "NEWSIG", "ERRSIG 1 22 8 00 1 4 -"),
    ["no-key", "broken"],
  );
  assert.deepEqual(verdicts("GOODSIG 1 x", valid(8)), []);
});
