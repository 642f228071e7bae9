import assert from "node:assert/strict";
import { join } from "node:path";
import { UsageError } from "../../lib/errors.ts";
import { run } from "../../lib/process.ts";
import { generateKeyPair } from "../../lib/ssh/key.ts";
import { isPrivateKey, parsePublicKeys } from "../../lib/ssh/public_key.ts";
import { tempDir } from "../base/temp.ts";

const { publicKey, privateKey } = await generateKeyPair("a comment");
const [type = "", blob = ""] = publicKey.split(" ");

function problemOf(text: string): string {
  try {
    parsePublicKeys(text, "id.pub");
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    // What is in the file may be a secret.
    assert.ok(!error.message.includes(blob.slice(0, 30)) && !error.message.includes("s3cret"));
    return error.message;
  }
  assert.fail("it was taken for a key");
}

Deno.test("keys of every type that ssh-keygen makes are read, and its private keys are known as such", async () => {
  await using dir = await tempDir();
  const made = [["ed25519", "256"], ["rsa", "2048"], ["ecdsa", "256"], ["ecdsa", "384"], ["ecdsa", "521"]];
  for (const [index, [name = "", bits = ""]] of made.entries()) {
    const file = join(dir.path, `key${index}`);
    const format = name === "rsa" ? ["-m", "PEM"] : [];
    await run([
      "ssh-keygen",
      "-q",
      "-t",
      name,
      "-b",
      bits,
      "-N",
      "",
      "-C",
      `${name} ${bits}`,
      ...format,
      "-f",
      file,
    ]);
    const line = (await Deno.readTextFile(`${file}.pub`)).trim();
    assert.deepEqual(parsePublicKeys(`${line}\n`, file), [line]);
    assert.ok(isPrivateKey(await Deno.readTextFile(file)));
    assert.ok(!isPrivateKey(line));
  }
});

Deno.test("lines as in authorized_keys are read: options, comments, blank lines, Windows line ends", () => {
  const options = `from="10.0.0.*,!10.0.0.7",command="echo \\"a b\\" # c",no-pty`;
  const lines = [publicKey, `${options} ${type} ${blob}`, `restrict ${type} ${blob} two words`];
  assert.deepEqual(
    parsePublicKeys(`# mine\r\n\r\n${lines.join("\r\n")}\r\n  ${publicKey}\r\n`, "keys"),
    lines,
  );
});

Deno.test("what is no key is refused with its line and without its content", () => {
  assert.match(
    problemOf(`${publicKey}\n\nhello\n`),
    /^id\.pub:3 is no SSH public key: it has no known key type$/,
  );
  assert.match(problemOf(`ssh-dss ${blob}`), /no known key type/);
  assert.match(problemOf(`one two ${type} ${blob}`), /no known key type/);
  assert.match(problemOf(type), /not base64/);
  assert.match(problemOf(`${type} s3cret-!`), /not base64/);
  assert.match(problemOf(`ssh-rsa ${blob}`), /not of the type ssh-rsa/);
  assert.match(problemOf(`${type} ${blob.slice(0, -8)}`), /cut short/);
  assert.match(problemOf(`${type} AAAAC3NzaC1lZDI1NTE5`), /cut short/);
  assert.match(problemOf(`${type} //////`), /cut short/);
  assert.match(problemOf("# nothing\n\n"), /contains no SSH public key/);
  assert.match(problemOf(privateKey), /^id\.pub:1 is no SSH public key/);
});

Deno.test("a comment cannot bring a second line into authorized_keys", () => {
  for (const break_ of ["\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\0"]) {
    assert.match(problemOf(`${publicKey}${break_}${publicKey}`), /control characters/);
  }
  assert.deepEqual(parsePublicKeys(`${publicKey}\tünï`, "keys"), [`${publicKey}\tünï`]);
});

Deno.test("private keys of PEM, PKCS 8 and PuTTY are known as such", () => {
  for (
    const start of [
      "-----BEGIN OPENSSH PRIVATE KEY-----",
      "-----BEGIN RSA PRIVATE KEY-----",
      "-----BEGIN PRIVATE KEY-----",
      "-----BEGIN ENCRYPTED PRIVATE KEY-----",
      "PuTTY-User-Key-File-3: ssh-ed25519",
    ]
  ) {
    assert.ok(isPrivateKey(`${start}\nabc\n`), start);
    assert.ok(isPrivateKey(`Bag Attributes\n${start}\nabc\n`), start);
  }
  assert.ok(!isPrivateKey("-----BEGIN PUBLIC KEY-----\n"));
});
