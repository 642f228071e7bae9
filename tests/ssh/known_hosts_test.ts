import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../lib/process.ts";
import { generateKeyPair } from "../../lib/ssh/key.ts";
import { findKnownHost } from "../../lib/ssh/known_hosts.ts";
import { tempDir } from "../base/temp.ts";

/** A key's line without its comment, and its fingerprint as ssh-keygen prints it. */
async function hostKey(): Promise<{ readonly line: string; readonly fingerprint: string }> {
  await using dir = await tempDir();
  const { publicKey } = await generateKeyPair("host");
  const file = await dir.write("key.pub", `${publicKey}\n`);
  const { stdout } = await run(["ssh-keygen", "-l", "-f", file]);
  return { line: publicKey.split(" ").slice(0, 2).join(" "), fingerprint: stdout.split(" ")[1] ?? "" };
}

Deno.test("a host is found by its name, its port, patterns and negated patterns, with fingerprints as ssh-keygen's", async () => {
  const [one, other] = [await hostKey(), await hostKey()];
  const text = [
    "# comment",
    `kvm1,192.0.2.1 ${one.line} a comment`,
    `[kvm1]:2222 ${other.line}`,
    `*.example.org,!bad.example.org ${one.line}`,
    "",
    "nonsense",
  ].join("\n");
  const found = (host: string, port = 22) => findKnownHost(text, host, port).fingerprints;
  deepStrictEqual(found("kvm1"), [one.fingerprint]);
  deepStrictEqual(found("KVM1"), [one.fingerprint]);
  deepStrictEqual(found("192.0.2.1"), [one.fingerprint]);
  deepStrictEqual(found("kvm1", 2222), [other.fingerprint]);
  deepStrictEqual(found("kvm1", 2223), []);
  deepStrictEqual(found("a.example.org"), [one.fingerprint]);
  deepStrictEqual(found("bad.example.org"), []);
  deepStrictEqual(found("axexample.org"), []);
  deepStrictEqual(findKnownHost(text, "kvm1", 22).types, ["ssh-ed25519"]);
});

Deno.test("hashed names are found, as ssh-keygen -H writes them", async () => {
  const key = await hostKey();
  await using dir = await tempDir({ known_hosts: `kvm1 ${key.line}\n` });
  const file = join(dir.path, "known_hosts");
  await run(["ssh-keygen", "-H", "-f", file]);
  const text = await Deno.readTextFile(file);
  strictEqual(text.includes("kvm1"), false);
  deepStrictEqual(findKnownHost(text, "kvm1", 22).fingerprints, [key.fingerprint]);
  deepStrictEqual(findKnownHost(text, "kvm2", 22).fingerprints, []);
});

Deno.test("revoked keys are not known, and certificate authorities are left out", async () => {
  const [one, other] = [await hostKey(), await hostKey()];
  const text =
    `kvm1 ${one.line}\n@revoked * ${one.line}\n@cert-authority kvm1 ${other.line}\nkvm1 ${other.line}\n`;
  deepStrictEqual(findKnownHost(text, "kvm1", 22).fingerprints, [other.fingerprint]);
});
