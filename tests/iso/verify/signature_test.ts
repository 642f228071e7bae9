import assert from "node:assert/strict";
import { join } from "node:path";
import { exitCode, type PimError } from "../../../lib/errors.ts";
import type { SignatureRule } from "../../../lib/iso/catalog/rules.ts";
import { type SignatureOptions, type Verified, verifySignature } from "../../../lib/iso/verify/signature.ts";
import { type TempDir, tempDir } from "../../base/temp.ts";
import { type FileServer, serveFile } from "../download/file_server.ts";
import { type Gpg, newGpg } from "./gpg.ts";

const url = "https://example.org/SHA256SUMS";
const sums = `${"a".repeat(64)}  x.iso\n`;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (content: string) => new TextEncoder().encode(content);

interface Bench {
  readonly gpg: Gpg;
  /** A temporary folder that is a config folder too. */
  readonly dir: TempDir;
  readonly options: SignatureOptions;
  /** Puts a key into keys.d. */
  know(fingerprint: string, ...how: string[]): Promise<void>;
}

async function bench(work: (bench: Bench) => Promise<void>): Promise<void> {
  await using gpg = await newGpg();
  await using dir = await tempDir();
  const options: SignatureOptions = {
    retries: 0,
    keys: {
      folders: [{ kind: "user", path: dir.path }],
      paths: { cacheDir: join(dir.path, "cache") },
      systemKeyrings: [join(dir.path, "system")],
    },
  };
  const know = async (fingerprint: string, ...how: string[]) => {
    await Deno.mkdir(join(dir.path, "keys.d"), { recursive: true });
    const name = `${fingerprint}.${how.length === 0 ? "gpg" : "asc"}`;
    await Deno.writeFile(join(dir.path, "keys.d", name), await gpg.publicKey(fingerprint, ...how));
  };
  await work({ gpg, dir, options, know });
}

const allow = (...keys: string[]): SignatureRule => ({ url: `${url}.sign`, keys, keyUrl: undefined });

const refuses = (why: RegExp) => (error: PimError) => {
  assert.equal(error.exitCode, exitCode.checksum, error.message);
  assert.match(`${error.message} | ${error.hint}`, why);
  return true;
};

Deno.test("a detached signature holds, armoured or not, by a key of keys.d, armoured or not", async () => {
  await bench(async ({ gpg, options, know }) => {
    const key = await gpg.makeKey("Images <images@example.org>");
    for (const armour of [[], ["--armor"]]) {
      await know(key, ...armour);
      for (const how of [[], ["--armor"]]) {
        const signature = await gpg.sign(sums, key, ...how, "--detach-sign");
        const { signed, signer } = await check(bytesOf(sums), signature, allow(key), options);
        assert.equal(text(signed), sums);
        assert.equal(signer.fingerprint, key);
        assert.equal(signer.userId, "Images <images@example.org>");
        assert.match(signer.madeAt, /^20\d\d-\d\d-\d\dT/);
      }
    }
    const other = await gpg.sign(sums, key, "--detach-sign");
    await assert.rejects(
      check(bytesOf(sums.replace("x.iso", "y.iso")), other, allow(key), options),
      refuses(/Images <images@example.org>.* is not accepted: it was changed after it was signed/),
    );
  });
});

function check(
  content: Uint8Array,
  signature: Uint8Array | undefined,
  rule: SignatureRule,
  options: SignatureOptions,
): Promise<Verified> {
  return verifySignature(url, { content, signature }, rule, options);
}

Deno.test("of a file that is signed in line only what was signed is believed", async () => {
  await bench(async ({ gpg, options, know }) => {
    const key = await gpg.makeKey("Images");
    await know(key);
    const signed = text(await gpg.sign(sums, key, "--clearsign"));
    const evil = `${"b".repeat(64)}  x.iso\n`;
    const around = await check(bytesOf(`${evil}${signed}${evil}`), undefined, allow(key), options);
    assert.equal(text(around.signed), sums);
    const changed = bytesOf(signed.replace("aaaa", "bbbb"));
    await assert.rejects(
      check(changed, undefined, allow(key), options),
      refuses(/changed after it was signed/),
    );
    await assert.rejects(
      check(bytesOf(evil), undefined, allow(key), options),
      refuses(/carries no signature.*signature_url/),
    );
    await assert.rejects(
      check(bytesOf(signed + signed), undefined, allow(key), options),
      refuses(/several signed parts/),
    );
    const windows = bytesOf(signed.replaceAll("\n", "\r\n"));
    assert.match(
      text((await check(windows, undefined, allow(key), options)).signed),
      /^a{64} {2}x\.iso\r?\n$/,
    );
  });
});

Deno.test("a signature by another key is refused, wherever that key is known", async () => {
  await bench(async ({ gpg, options, know }) => {
    const [trusted, other] = [await gpg.makeKey("Trusted"), await gpg.makeKey("Other")];
    const signature = await gpg.sign(sums, other, "--detach-sign");
    const rule = allow(trusted);
    await assert.rejects(check(bytesOf(sums), signature, rule, options), refuses(/is nowhere here.*keys\.d/));
    await know(trusted);
    await know(other);
    await assert.rejects(
      check(bytesOf(sums), signature, rule, options),
      refuses(new RegExp(`by ${other} is not accepted: it was made by another key.*allows ${trusted}`)),
    );
    assert.equal(
      (await check(bytesOf(sums), signature, allow(trusted, other), options)).signer.userId,
      "Other",
    );
  });
});

Deno.test("a keybox serves as it is, and another key in it is refused all the same", async () => {
  await bench(async ({ gpg, dir, options }) => {
    const [trusted, other] = [await gpg.makeKey("Trusted"), await gpg.makeKey("Other")];
    await Deno.mkdir(join(dir.path, "system"));
    await Deno.copyFile(join(gpg.home, "pubring.kbx"), join(dir.path, "system", "all.gpg"));
    const good = await gpg.sign(sums, trusted, "--detach-sign");
    assert.equal((await check(bytesOf(sums), good, allow(trusted), options)).signer.fingerprint, trusted);
    const wrong = await gpg.sign(sums, other, "--detach-sign");
    await assert.rejects(
      check(bytesOf(sums), wrong, allow(trusted), options),
      refuses(/Other.* is not accepted: its key is none of those/),
    );
    const file = allow(join(dir.path, "system", "all.gpg"));
    assert.equal((await check(bytesOf(sums), wrong, file, options)).signer.fingerprint, other);
  });
});

Deno.test("a subkey signs for its primary key, and may be named itself", async () => {
  await bench(async ({ gpg, options, know }) => {
    const key = await gpg.makeKey("Images");
    const subkey = await gpg.addSubkey(key);
    await know(key);
    const signature = await gpg.sign(sums, `${subkey}!`, "--detach-sign");
    for (const named of [key, subkey]) {
      assert.equal((await check(bytesOf(sums), signature, allow(named), options)).signer.fingerprint, key);
    }
  });
});

Deno.test("expired and revoked keys, and expired signatures, are not accepted", async () => {
  await bench(async ({ gpg, options, know }) => {
    const old = { madeAt: "20200101T000000" };
    const expired = await gpg.makeKey("Expired", { ...old, validFor: "1y" });
    const expiredSignature = await gpg.sign(
      sums,
      expired,
      "--faked-system-time",
      "20200601T000000",
      "--detach-sign",
    );
    await know(expired);
    await assert.rejects(
      check(bytesOf(sums), expiredSignature, allow(expired), options),
      refuses(/Expired.*the key has expired.*newer key into keys\.d/),
    );
    const lasting = await gpg.makeKey("Lasting", old);
    const brief = await gpg.sign(
      sums,
      lasting,
      ...["--faked-system-time", "20200601T000000", "--default-sig-expire", "1d", "--detach-sign"],
    );
    await know(lasting);
    await assert.rejects(
      check(bytesOf(sums), brief, allow(lasting), options),
      refuses(/the signature has expired/),
    );
    const revoked = await gpg.makeKey("Revoked");
    const signature = await gpg.sign(sums, revoked, "--detach-sign");
    await gpg.revoke(revoked);
    await know(revoked);
    await assert.rejects(
      check(bytesOf(sums), signature, allow(revoked), options),
      refuses(/the key was revoked/),
    );
  });
});

Deno.test("a key that one keyring here knows to be revoked is not accepted because another does not", async () => {
  await bench(async ({ gpg, dir, options, know }) => {
    const key = await gpg.makeKey("Images");
    await know(key);
    const signature = await gpg.sign(sums, key, "--detach-sign");
    await check(bytesOf(sums), signature, allow(key), options);
    await gpg.revoke(key);
    await Deno.mkdir(join(dir.path, "system"));
    await Deno.writeFile(join(dir.path, "system", "distribution.gpg"), await gpg.publicKey(key));
    await assert.rejects(
      check(bytesOf(sums), signature, allow(key), options),
      refuses(/the key was revoked/),
    );
  });
});

Deno.test("a signature with SHA-1 is not accepted", async () => {
  await bench(async ({ gpg, options, know }) => {
    const key = await gpg.makeKey("Images");
    await know(key);
    const signature = await gpg.sign(sums, key, "--digest-algo", "SHA1", "--detach-sign");
    await assert.rejects(check(bytesOf(sums), signature, allow(key), options), refuses(/broken/));
  });
});

Deno.test("of several signatures one by an allowed key suffices, unless one by an allowed key is wrong", async () => {
  await bench(async ({ gpg, options, know }) => {
    const [first, second] = [await gpg.makeKey("First"), await gpg.makeKey("Second")];
    await know(first);
    await know(second);
    const [one, two] = [
      await gpg.sign(sums, first, "--detach-sign"),
      await gpg.sign(sums, second, "--detach-sign"),
    ];
    const both = new Uint8Array([...one, ...two]);
    for (const key of [first, second]) {
      assert.equal((await check(bytesOf(sums), both, allow(key), options)).signer.fingerprint, key);
    }
    const wrong = new Uint8Array([...one, ...await gpg.sign("other", second, "--detach-sign")]);
    await assert.rejects(
      check(bytesOf(sums), wrong, allow(first, second), options),
      refuses(/Second.*changed after it was signed/),
    );
  });
});

Deno.test("a message that brings its own content is no detached signature", async () => {
  await bench(async ({ gpg, options, know }) => {
    const key = await gpg.makeKey("Images");
    await know(key);
    const message = await gpg.sign(sums, key, "--sign");
    for (const bytes of [message, bytesOf("<html>404</html>"), new Uint8Array()]) {
      await assert.rejects(
        check(bytesOf("anything"), bytes, allow(key), options),
        refuses(/is no detached signature/),
      );
    }
  });
});

async function withKeyServer(work: (server: FileServer) => Promise<void>): Promise<void> {
  await using server = await serveFile(new Uint8Array());
  await work(server);
}

Deno.test("a key is fetched from signing_key_url once, and only one with the fingerprint counts", async () => {
  await bench(({ gpg, options }) =>
    withKeyServer(async (server) => {
      const [key, other] = [await gpg.makeKey("Images"), await gpg.makeKey("Other")];
      const signature = await gpg.sign(sums, key, "--detach-sign");
      const rule = { ...allow(key), keyUrl: `${server.url}/key.asc` };
      server.content = await gpg.publicKey(other, "--armor");
      await assert.rejects(
        check(bytesOf(sums), signature, rule, options),
        refuses(/nowhere here/),
      );
      server.content = await gpg.publicKey(key, "--armor");
      for (let time = 0; time < 2; time++) await check(bytesOf(sums), signature, rule, options);
      assert.deepEqual(server.requests, ["GET /key.asc", "GET /key.asc"]);
    })
  );
});

Deno.test("a key that has expired here is fetched again, since its owner may have extended it", async () => {
  await bench(({ gpg, options, know }) =>
    withKeyServer(async (server) => {
      const key = await gpg.makeKey("Images", { madeAt: "20200101T000000", validFor: "1y" });
      await know(key);
      const signature = await gpg.sign(sums, key, "--faked-system-time", "20200601T000000", "--detach-sign");
      await gpg.extend(key);
      server.content = await gpg.publicKey(key);
      const rule = { ...allow(key), keyUrl: `${server.url}/key.gpg` };
      assert.equal((await check(bytesOf(sums), signature, rule, options)).signer.fingerprint, key);
    })
  );
});

Deno.test("a damaged keyring does not hide the keys of the others", async () => {
  await bench(async ({ gpg, dir, options, know }) => {
    const key = await gpg.makeKey("Images");
    await know(key);
    const whole = await gpg.publicKey(key);
    await Deno.writeFile(join(dir.path, "keys.d", "a.gpg"), whole.subarray(0, 60));
    await dir.write("keys.d/b.asc", "no key");
    const signature = await gpg.sign(sums, key, "--detach-sign");
    assert.equal((await check(bytesOf(sums), signature, allow(key), options)).signer.fingerprint, key);
    for (
      const [name, why] of [["a.gpg", /holds no public key/], ["c.gpg", /There is no key file/]] as const
    ) {
      await assert.rejects(
        check(bytesOf(sums), signature, allow(join(dir.path, "keys.d", name)), options),
        (error: PimError) => error.exitCode === exitCode.usage && why.test(error.message),
      );
    }
  });
});
