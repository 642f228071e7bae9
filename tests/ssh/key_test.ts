import assert from "node:assert/strict";
import { join } from "node:path";
// @ts-types="@types/ssh2"
import ssh2 from "ssh2";
import { run } from "../../lib/process.ts";
import { generateKeyPair, type KeyPair } from "../../lib/ssh/key.ts";
import { tempDir } from "../base/temp.ts";

/** The public key that ssh-keygen finds in a private key. */
async function publicHalf(pair: KeyPair): Promise<string> {
  await using temp = await tempDir();
  const folder = temp.path;
  const file = join(folder, "key");
  await Deno.writeTextFile(file, pair.privateKey, { mode: 0o600 });
  return (await run(["ssh-keygen", "-y", "-f", file])).stdout.trim();
}

Deno.test("ssh-keygen reads the private key and derives the same public key from it", async () => {
  for (const comment of ["pim build", "", "a", "ab", "abc", "ümläut"]) {
    const pair = await generateKeyPair(comment);
    assert.equal(await publicHalf(pair), pair.publicKey);
    assert(pair.publicKey.startsWith("ssh-ed25519 ") && pair.publicKey.endsWith(comment));
  }
});

Deno.test("a key whose public half begins with a zero is as good as any", async () => {
  // Every 256th key is such a one; the base64 of a leading zero byte is the letter at a fixed place.
  const zero = /^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA[A-D]/;
  let pair = await generateKeyPair("zero");
  for (let tries = 0; !zero.test(pair.publicKey) && tries < 20_000; tries++) {
    pair = await generateKeyPair("zero");
  }
  assert.match(pair.publicKey, zero);
  assert.equal(await publicHalf(pair), pair.publicKey);
  const parsed = ssh2.utils.parseKey(pair.privateKey);
  assert(!(parsed instanceof Error), String(parsed));
  assert.equal(`ssh-ed25519 ${parsed.getPublicSSH().toString("base64")} zero`, pair.publicKey);
});

Deno.test("two keys are never the same", async () => {
  const [one, other] = await Promise.all([generateKeyPair("a"), generateKeyPair("a")]);
  assert.notEqual(one.publicKey, other.publicKey);
});

Deno.test("a comment cannot bring a second line into authorized_keys", async () => {
  await assert.rejects(generateKeyPair("a\nssh-ed25519 AAAA"), /one line/);
});
