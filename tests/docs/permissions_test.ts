import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../sources.ts";

const page = await Deno.readTextFile(join(root, "docs/targets.md"));

async function code(folder: string): Promise<string> {
  let text = "";
  for await (const { name } of Deno.readDir(join(root, folder))) {
    text += await Deno.readTextFile(join(root, folder, name));
  }
  return text;
}

const sorted = (words: Iterable<string>) => [...new Set(words)].sort();

Deno.test("docs/targets.md names the permission of every call that pim makes to EC2, and no other", async () => {
  const calls = [...(await code("lib/deploy/aws")).matchAll(/\bec2\.([a-z]\w+)\(/g)].map(([, call = ""]) =>
    call
  );
  const needed = calls.filter((call) => call !== "destroy").map((call) =>
    `ec2:${call[0]?.toUpperCase()}${call.slice(1)}`
  );
  assert.ok(needed.length > 8);
  assert.deepEqual(sorted(page.match(/(?<=")ec2:\w+/g) ?? []), sorted(needed));
});

Deno.test("docs/targets.md names every privilege of Proxmox VE that pim asks for, and gives a role no other", async () => {
  const text = await code("lib/deploy/proxmox");
  const plain = [...text.matchAll(/"((?:VM|Datastore|SDN)\.\w+)"/g)].map(([, name = ""]) => name);
  const list = /const config = \[([^\]]*)\]/.exec(text)?.[1] ?? "";
  const config = (list.match(/\w+/g) ?? []).map((name) => `VM.Config.${name}`);
  const drives = ["VM.Config.CDROM", "VM.Config.Cloudinit"];
  const role = /--privs "([^"]*)"/.exec(page)?.[1]?.split(" ") ?? [];
  const asked = sorted([...plain, ...config, ...drives]);
  assert.ok(plain.length > 4 && config.length > 4);
  assert.deepEqual(asked.filter((each) => !page.includes(each)), []);
  assert.deepEqual(role.filter((each) => !asked.includes(each)), []);
});
