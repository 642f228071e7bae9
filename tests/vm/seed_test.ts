import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { UsageError } from "../../lib/errors.ts";
import { openIso } from "../../lib/iso/iso9660/iso9660.ts";
import { run, which } from "../../lib/process.ts";
import { generateKeyPair } from "../../lib/ssh/key.ts";
import { readSeedSource, type SeedContent, seedFiles, writeSeed } from "../../lib/vm/seed/seed.ts";
import { tempDir } from "../base/temp.ts";

const pair = await generateKeyPair("someone@example.org");
const key = pair.publicKey;
const other = (await generateKeyPair("other")).publicKey;

function userData(content: Partial<SeedContent>): string {
  return seedFiles({ vmName: "vm", sshKeys: [], ...content })["user-data"];
}

/** What a #cloud-config in JSON says. */
function settings(text: string): unknown {
  assert.match(text, /^#cloud-config\n\{/);
  return JSON.parse(text.slice("#cloud-config".length));
}

Deno.test("a VM's name becomes its host name, as a text that YAML does not take for a number", () => {
  const names: Record<string, string> = {
    "web": "web",
    "My_VM.1": "my-vm-1",
    "10.0.0.1": "10-0-0-1",
    "007": "007",
    "a-": "a",
    ["x".repeat(62) + "._"]: "x".repeat(62),
    ["x".repeat(64)]: "x".repeat(63),
  };
  for (const [vmName, hostname] of Object.entries(names)) {
    const metaData = seedFiles({ vmName, sshKeys: [] })["meta-data"];
    const [, id, found] = metaData.match(/^instance-id: "(.*)"\nlocal-hostname: "(.*)"\n$/) ?? [];
    assert.equal(found, hostname);
    assert.match(id ?? "", /-[0-9a-f]{12}$/);
    assert.ok(id?.startsWith(`${vmName}-`));
  }
});

Deno.test("the instance-id changes with the content, so that cloud-init applies a changed seed again, and only then", () => {
  const content = { vmName: "vm", username: "demo", sshKeys: [key] };
  const metaData = seedFiles(content)["meta-data"];
  assert.equal(seedFiles({ ...content })["meta-data"], metaData);
  const others = [{ sshKeys: [other] }, { username: "ansible" }, { userData: "#!/bin/sh\n" }, {
    vmName: "vm2",
  }];
  const ids = new Set(others.map((each) => seedFiles({ ...content, ...each })["meta-data"]));
  assert.equal(ids.size, others.length);
  assert.ok(!ids.has(metaData));
});

Deno.test("keys alone are for the image's user: its password stays, and no other user is made", () => {
  assert.deepEqual(settings(userData({ username: "demo", sshKeys: [key, other] })), {
    users: [{ name: "demo", lock_passwd: false, ssh_authorized_keys: [key, other] }],
  });
  assert.deepEqual(settings(userData({ sshKeys: [key] })), { ssh_authorized_keys: [key] });
  assert.deepEqual(settings(userData({})), {});
});

Deno.test("user-data alone stays as it is, byte for byte", async () => {
  const text = "#cloud-config\r\n# ümläut 😀\r\nusers: [default]   \r\n\r\n";
  await using dir = await tempDir({ "user-data": text });
  const source = await readSeedSource({ userDataFile: join(dir.path, "user-data") });
  assert.deepEqual(source, { userData: text, sshKeys: [] });
  assert.equal(userData({ username: "demo", ...source }), text);
});

interface Part {
  readonly type: string;
  readonly name: string | null;
  readonly text: string;
}

/** The parts of a message as Python's own parser finds them, by which cloud-init reads them. */
async function partsOf(message: string): Promise<Part[]> {
  const program = `
import email, json, sys
message = email.message_from_string(sys.stdin.buffer.read().decode())
assert not message.defects and message.is_multipart()
print(json.dumps([
  {"type": p.get_content_type(), "name": p.get_filename(), "text": p.get_payload(decode=True).decode()}
  for p in message.walk() if p.get_content_maintype() != "multipart" and not p.defects]))`;
  return JSON.parse((await run(["python3", "-c", program], { stdin: message })).stdout);
}

const python = { ignore: await which("python3") === undefined };
const mergeHow = "list(append)+dict(no_replace,recurse_list)+str()";
const demoUser = { name: "demo", lock_passwd: false, ssh_authorized_keys: [key] };

/** The part that a key adds to user-data. */
async function added(text: string, username?: string): Promise<Part> {
  const [first, second, ...rest] = await partsOf(userData({ userData: text, username, sshKeys: [key] }));
  assert.deepEqual(rest, []);
  assert.equal(first?.text, text);
  return second as Part;
}

Deno.test({
  name: "a key beside user-data is a part of its own, appended to what the user-data says",
  ...python,
  async fn() {
    const text = "#cloud-config\npackages: [git]\nssh_authorized_keys: [theirs]\n# ümläut\n";
    const parts = await partsOf(userData({ userData: text, username: "demo", sshKeys: [key] }));
    assert.deepEqual(parts[0], { type: "text/cloud-config", name: "user-data", text });
    assert.equal(parts[1]?.type, "text/cloud-config");
    // The default user is named, since it would be there without the key.
    assert.deepEqual(settings(parts[1]?.text ?? ""), { merge_how: mergeHow, users: ["default", demoUser] });
    const unknownUser = await added(text);
    assert.deepEqual(settings(unknownUser.text), { merge_how: mergeHow, ssh_authorized_keys: [key] });
  },
});

Deno.test({
  name: "where user-data lists the users itself, the default user is added only if it says so",
  ...python,
  async fn() {
    for (const text of ["#cloud-config\nusers: [bob]\n", "#cloud-config\nusers: []\n"]) {
      const part = await added(text, "demo");
      assert.deepEqual(settings(part.text), { merge_how: mergeHow, users: [demoUser] });
    }
    const template = "## template: jinja\n#cloud-config\nusers:\n- {{ v1.region }}\n";
    const part = await added(template, "demo");
    assert.deepEqual(settings(part.text), { merge_how: mergeHow, users: [demoUser] });
  },
});

Deno.test({
  name:
    "where user-data gives keys to the same user, ours are put beside them: of two entries only one would count",
  ...python,
  async fn() {
    const patchOf = async (text: string) => {
      const part = await added(text, "demo");
      assert.equal(part.type, "text/cloud-config-jsonp");
      assert.match(part.text, /^#cloud-config-jsonp\n\[/);
      return JSON.parse(part.text.slice("#cloud-config-jsonp".length));
    };
    assert.deepEqual(
      await patchOf("#cloud-config\nusers:\n- default\n- name: demo\n  ssh_authorized_keys: [theirs]\n"),
      [{ op: "add", path: "/users/1/ssh_authorized_keys/-", value: key }],
    );
    assert.deepEqual(await patchOf("#cloud-config\nusers: [{name: demo}]\n"), [
      { op: "add", path: "/users/0/ssh_authorized_keys", value: [key] },
    ]);
    assert.deepEqual(await patchOf("#cloud-config\nuser: {name: demo, ssh-authorized-keys: theirs}\n"), [
      { op: "add", path: "/user/ssh-authorized-keys", value: ["theirs", key] },
    ]);
  },
});

Deno.test({
  name: "scripts and other formats become parts of their type, and a message keeps its own parts",
  ...python,
  async fn() {
    const types: Record<string, string> = {
      "#!/bin/sh\necho\n": "text/x-shellscript",
      "#cloud-boothook\n#!/bin/sh\n": "text/cloud-boothook",
      "#include\nhttps://example.org/a\n": "text/x-include-url",
      "#include-once https://example.org/a\n": "text/x-include-once-url",
      "#part-handler\ndef list_types(): pass\n": "text/part-handler",
      "#cloud-config-archive\n- a\n": "text/cloud-config-archive",
      "## template: jinja\n#cloud-config\n": "text/jinja2",
    };
    for (const [text, type] of Object.entries(types)) {
      const [part] = await partsOf(userData({ userData: text, username: "demo", sshKeys: [key] }));
      assert.deepEqual(part, { type, name: "user-data", text });
    }
    const message = [
      'Content-Type: multipart/mixed; boundary="x"\nMIME-Version: 1.0\n',
      "--x\nContent-Type: text/cloud-config\n\n#cloud-config\nfqdn: a.example.org",
      "--x\nContent-Type: text/x-shellscript\n\n#!/bin/sh",
      "--x--\n",
    ].join("\n");
    const parts = await partsOf(userData({ userData: message, username: "demo", sshKeys: [key] }));
    assert.deepEqual(parts.map(({ type }) => type), [
      "text/cloud-config",
      "text/x-shellscript",
      "text/cloud-config",
    ]);
    assert.equal(parts[0]?.text, "#cloud-config\nfqdn: a.example.org");
  },
});

Deno.test("users that are no list cannot be added to", () => {
  for (const users of ["bob", "{bob: {}}", ""]) {
    const content = { userData: `#cloud-config\nusers: ${users}\n`, username: "demo", sshKeys: [key] };
    assert.throws(() => userData(content), /has users that are not a list/);
  }
});

/** The error for a user-data file with this content. */
async function refusal(content: string | Uint8Array): Promise<UsageError> {
  await using dir = await tempDir();
  const file = join(dir.path, "ud");
  await Deno.writeFile(file, typeof content === "string" ? new TextEncoder().encode(content) : content);
  const error = await readSeedSource({ userDataFile: file }).then(() => undefined, (error) => error);
  assert.ok(error instanceof UsageError, `it was accepted: ${content}`);
  return error;
}

Deno.test("user-data in every format that cloud-init knows is accepted", async () => {
  for (
    const text of [
      "#cloud-config\n{}\n",
      "#cloud-config\nwrite_files:\n- {path: /a, content: !!binary aGk=, permissions: 0644}\n",
      "#Cloud-Config\npackages: [git]\n",
      "\n#cloud-config\na: yes\n",
      "#cloud-config-archive\n- '#cloud-config'\n",
      "#cloud-config-jsonp\n[]\n",
      "#cloud-boothook\n",
      "#part-handler\n",
      "#include\nhttps://example.org/\n",
      "#include-once\n",
      "#!/bin/bash\n",
      "## template: jinja\n#cloud-config\na: {{ b }}\n",
      "Content-Type: text/x-shellscript\nMIME-Version: 1.0\n\n#!/bin/sh\n",
      "MIME-Version: 1.0\nContent-Type: text/plain\n\n",
    ]
  ) {
    await using dir = await tempDir({ "ud": text });
    assert.equal((await readSeedSource({ userDataFile: join(dir.path, "ud") })).userData, text);
  }
});

Deno.test("user-data that cloud-init could not use is refused before the VM starts", async () => {
  assert.match(
    (await refusal("#cloud-config\npackages:\n- git\n\t- vim\n")).message,
    /ud:4 is not valid YAML/,
  );
  assert.match((await refusal("#cloud-config\n- a\n")).message, /must be a YAML map/);
  assert.match((await refusal("#cloud-config-archive\na: 1\n")).message, /must be a YAML list/);
  assert.match((await refusal("#cloud-config\n# nothing yet\n")).message, /only comments/);
  assert.match((await refusal("packages: [git]\n")).hint ?? "", /#cloud-config/);
  assert.match((await refusal("")).message, /its first line is none that cloud-init knows/);
  assert.match((await refusal("\ufeff#cloud-config\n")).message, /byte order mark/);
  assert.match((await refusal("Content-Type: text/plain\n\n")).hint ?? "", /MIME-Version: 1\.0/);
  assert.match((await refusal(Uint8Array.of(0x1f, 0x8b, 8, 0))).message, /no UTF-8 text/);
  assert.match((await refusal("#!/bin/sh\n" + "#".repeat(1024 * 1024))).message, /1048586 bytes/);
});

Deno.test("a file that is not there or is a folder is told by its name", async () => {
  await using dir = await tempDir();
  const nowhere = join(dir.path, "nowhere");
  const usage = (message: RegExp) => (error: unknown) =>
    error instanceof UsageError && message.test(error.message);
  await assert.rejects(readSeedSource({ userDataFile: nowhere }), usage(/There is no file .*nowhere/));
  await assert.rejects(readSeedSource({ sshKeyFile: nowhere }), usage(/There is no file .*nowhere/));
  await assert.rejects(readSeedSource({ userDataFile: dir.path }), usage(/Cannot read /));
});

Deno.test("a private key stands for the public one beside it, and never gets into the seed", async () => {
  await using dir = await tempDir({ id: pair.privateKey, "id.pub": `${key}\n` });
  const file = join(dir.path, "id");
  const expected = { sshKeys: [key], privateKeyFile: file };
  assert.deepEqual(await readSeedSource({ sshKeyFile: file }), expected);
  assert.deepEqual(await readSeedSource({ sshKeyFile: `${file}.pub` }), expected);
  const files = seedFiles({ vmName: "vm", username: "demo", ...expected });
  assert.ok(!Object.values(files).some((text) => text.includes("PRIVATE")));
  await Deno.writeTextFile(`${file}.pub`, pair.privateKey);
  for (const sshKeyFile of [file, `${file}.pub`]) {
    await assert.rejects(readSeedSource({ sshKeyFile }), UsageError);
  }
});

Deno.test("a private key alone is refused, with the command that makes its public half", async () => {
  await using dir = await tempDir({
    "my key": pair.privateKey,
    "k.ppk": "PuTTY-User-Key-File-3: ssh-ed25519\n",
  });
  const refused = async (name: string) => {
    const error = await readSeedSource({ sshKeyFile: join(dir.path, name) }).catch((error) => error);
    assert.ok(error instanceof UsageError);
    return error;
  };
  const { message, hint } = await refused("my key");
  assert.match(message, /is a private key, and its public half is not beside it/);
  const make = hint?.replace("Make it with: ", "") ?? "";
  assert.match(make, /^ssh-keygen -y -f '.*\/my key' > '.*\/my key\.pub'$/);
  await Deno.chmod(join(dir.path, "my key"), 0o600);
  await run(["sh", "-c", make]);
  const { sshKeys } = await readSeedSource({ sshKeyFile: join(dir.path, "my key") });
  assert.equal(sshKeys[0]?.split(" ")[1], key.split(" ")[1]);
  assert.match((await refused("k.ppk")).hint ?? "", /puttygen/);
});

Deno.test("public keys without a private one beside them name none", async () => {
  const foreign = "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n";
  await using dir = await tempDir({
    "authorized_keys": `# two\n${key}\n${other}\n`,
    "lone.pub": `${key}\n`,
    "odd": "no key",
    "odd.pub": `${key}\n`,
    "foreign.pub": foreign,
  });
  const read = (name: string) => readSeedSource({ sshKeyFile: join(dir.path, name) });
  assert.deepEqual(await read("authorized_keys"), { sshKeys: [key, other] });
  assert.deepEqual(await read("lone.pub"), { sshKeys: [key] });
  assert.deepEqual(await read("odd.pub"), { sshKeys: [key] });
  await assert.rejects(read("foreign.pub"), /RFC 4716/);
});

Deno.test("a seed is written whole, for its owner only, with the label that cloud-init looks for", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "vms", "vm", "seed.iso");
  await writeSeed(path, { "user-data": "old", "meta-data": "old" });
  const files = seedFiles({ vmName: "vm", username: "demo", sshKeys: [key] });
  await writeSeed(path, files);
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  assert.deepEqual([...Deno.readDirSync(join(dir.path, "vms", "vm"))].map(({ name }) => name), ["seed.iso"]);
  await using iso = await openIso(path);
  assert.equal(iso.volumeId, "cidata");
  for (const [name, text] of Object.entries(files)) {
    assert.equal(Buffer.from(await iso.readFile(name)).toString(), text);
  }
});
