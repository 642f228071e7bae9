import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { hashFile } from "../../../lib/hash.ts";
import {
  formatChecksum,
  parseChecksum,
  parseChecksumFile,
  pickChecksum,
} from "../../../lib/iso/verify/checksum.ts";
import { checksumOf } from "../../../lib/iso/verify/expected.ts";
import { run } from "../../../lib/process.ts";
import { tempDir } from "../../base/temp.ts";

const a = "a".repeat(64);
const b = "b".repeat(64);
const long = "c".repeat(128);

Deno.test("checksums are read with and without their algorithm, and others are refused", () => {
  assert.deepEqual(parseChecksum(`sha256:${a.toUpperCase()}`), { algorithm: "sha256", hash: a });
  assert.deepEqual(parseChecksum(long), { algorithm: "sha512", hash: long });
  assert.equal(formatChecksum(parseChecksum(`sha512:${long}`)), `sha512:${long}`);
  for (
    const text of [
      "",
      "sha256:",
      `sha512:${a}`,
      `md5:${"a".repeat(32)}`,
      "a".repeat(40),
      `sha256:${a}0`,
      `sha256:${"g".repeat(64)}`,
    ]
  ) {
    assert.throws(() => parseChecksum(text), /is no checksum/);
  }
});

Deno.test("the line of a file is picked from every kind of checksum file", () => {
  const pick = (text: string, name = "x.iso") => pickChecksum(parseChecksumFile(text), name)?.hash;
  assert.equal(pick(`${b}  other.iso\n${a}  x.iso\n`), a);
  assert.equal(pick(`${b} *other.iso\r\n${a} *x.iso\r\n`), a);
  assert.equal(pick(`${a}  ./x.iso`), a);
  assert.equal(pick(`${b}  y/x.iso\n${a}  x.iso`), a);
  assert.equal(pick(`SHA256 (other.iso) = ${b}\nSHA256 (x.iso) = ${a}\n`), a);
  assert.equal(pick(`# x.iso: 1 bytes\nSHA256 (with space.iso) = ${a}`, "with space.iso"), a);
  assert.equal(
    pick(`-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${a}  x.iso\n-----BEGIN PGP SIGNATURE-----\n`),
    a,
  );
  assert.equal(pick(a), a);
  assert.equal(pick(`${a}\n`), a);
  assert.equal(pick(`SHA256 (x.iso) = ${a}\nSHA512 (x.iso) = ${long}`), long);
});

Deno.test("the checksum files of the distributions are understood", () => {
  const files: Readonly<Record<string, readonly [name: string, hash: string, text: string]>> = {
    "Debian's SHA256SUMS": [
      "debian-13.6.0-amd64-netinst.iso",
      a,
      `${b}  debian-13.6.0-amd64-netinst.iso.torrent\n${b}  debian-edu-13.6.0-amd64-netinst.iso\n` +
      `${a}  debian-13.6.0-amd64-netinst.iso\n${b}  debian-mac-13.6.0-amd64-netinst.iso\n`,
    ],
    "Ubuntu's SHA256SUMS": [
      "ubuntu-24.04.5-live-server-amd64.iso",
      a,
      `${b} *ubuntu-24.04.5-desktop-amd64.iso\n${a} *ubuntu-24.04.5-live-server-amd64.iso\n`,
    ],
    "Fedora's CHECKSUM, signed in line": [
      "Fedora-Server-netinst-x86_64-44-1.7.iso",
      a,
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# Fedora-Server-dvd-x86_64-44-1.7.iso: 3000000000 bytes\n` +
      `SHA256 (Fedora-Server-dvd-x86_64-44-1.7.iso) = ${b}\n# Fedora-Server-netinst-x86_64-44-1.7.iso: 1000000000 bytes\n` +
      `SHA256 (Fedora-Server-netinst-x86_64-44-1.7.iso) = ${a}\n-----BEGIN PGP SIGNATURE-----\n\niQIzBAEBCAAdFiEENvYS\n` +
      `=abcd\n-----END PGP SIGNATURE-----\n`,
    ],
    "Rocky's CHECKSUM, with both algorithms": [
      "Rocky-9.8-x86_64-minimal.iso",
      long,
      `# Rocky-9.8-x86_64-minimal.iso: 2000000000 bytes\nSHA256 (Rocky-9.8-x86_64-minimal.iso) = ${b}\n` +
      `SHA512 (Rocky-9.8-x86_64-minimal.iso) = ${long}\n`,
    ],
    "FreeBSD's CHECKSUM.SHA512": [
      "FreeBSD-15.1-RELEASE-amd64-disc1.iso",
      long,
      `SHA512 (FreeBSD-15.1-RELEASE-amd64-bootonly.iso) = ${"d".repeat(128)}\n` +
      `SHA512 (FreeBSD-15.1-RELEASE-amd64-disc1.iso) = ${long}\n` +
      `SHA512 (FreeBSD-15.1-RELEASE-amd64-disc1.iso.xz) = ${"e".repeat(128)}\n`,
    ],
    "Alpine's .sha256": ["alpine-virt-3.24.1-x86_64.iso", a, `${a}  alpine-virt-3.24.1-x86_64.iso\n`],
    "a .sha256 with nothing but the hash": ["x.iso", a, `${a.toUpperCase()}\n`],
    "what openssl writes": ["x.iso", a, `SHA2-256(y.iso)= ${b}\nSHA256(x.iso)= ${a}\n`],
  };
  for (const [what, [name, hash, text]] of Object.entries(files)) {
    assert.equal(pickChecksum(parseChecksumFile(text), name)?.hash, hash, what);
  }
});

Deno.test("nothing is picked that does not belong to the file", () => {
  const pick = (text: string) => pickChecksum(parseChecksumFile(text), "x.iso");
  assert.equal(pick(""), undefined);
  assert.equal(pick(`${b}  other.iso`), undefined);
  assert.equal(pick(`${b}  x.iso.torrent`), undefined);
  assert.equal(pick(`${a}\n${b}\n`), undefined);
  assert.equal(pick(`${"a".repeat(32)}  x.iso`), undefined);
  assert.equal(pick("<html>404</html>"), undefined);
  assert.equal(pick(`SHA512 (x.iso) = ${a}`), undefined);
  assert.equal(pick(`SHA3-256 (x.iso) = ${a}`), undefined);
  assert.equal(pick(`MD5 (x.iso) = ${"a".repeat(32)}`), undefined);
});

Deno.test("a URL that is escaped badly names its file all the same, and no message tells its password", () => {
  const url = "https://ann:s3cret@example.org/50%.iso";
  const of = (line: string) =>
    checksumOf(
      { key: "x", url, filename: "x.iso", checksum: undefined },
      "https://ann:s3cret@example.org/SHA256SUMS",
      parseChecksumFile(line),
    );
  assert.equal(of(`${a}  50%.iso`).hash, a);
  assert.throws(() => of(`${a}  51%.iso`), {
    message: "Cannot verify x: https://example.org/SHA256SUMS has no SHA-256 or SHA-512 checksum of 50%.iso",
  });
});

Deno.test("a file is hashed as sha256sum does, whatever its size", async () => {
  await using temp = await tempDir();
  const dir = temp.path;
  for (const size of [0, 1, 2 * 1024 * 1024, 5_000_001]) {
    const path = join(dir, `${size}`);
    await Deno.writeFile(path, new Uint8Array(size).fill(7));
    const { stdout } = await run(["sha256sum", path]);
    let last = 0;
    assert.equal(
      await hashFile(path, "sha256", { onProgress: (bytes) => last = bytes }),
      stdout.slice(0, 64),
    );
    assert.equal(last, size);
  }
  const text = join(dir, "text");
  await Deno.writeTextFile(text, "abc");
  assert.equal(await hashFile(text, "sha512"), createHash("sha512").update("abc").digest("hex"));
  await assert.rejects(hashFile(join(dir, "none"), "sha256"), /Cannot hash/);
  await assert.rejects(hashFile(text, "sha256", { signal: AbortSignal.abort() }), {
    name: "CancelledError",
  });
});
