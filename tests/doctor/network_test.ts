import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { checkMirrors, serversOf } from "../../lib/doctor/mirrors.ts";
import { judgeBridge } from "../../lib/doctor/network.ts";
import { CancelledError } from "../../lib/errors.ts";
import { loadCatalog } from "../../lib/iso/catalog/catalog.ts";
import { tempDir } from "../base/temp.ts";
import { patient } from "./patient.ts";

function server(handler: () => Response) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
}

/** A port on which nobody listens. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

const isos = (...urls: string[]) => ({
  "pim.yml": "",
  "isos.d/a.yml": urls.map((url, index) => `iso-${index}-amd64:\n  url: ${url}/x${index}.iso\n`).join(""),
});

Deno.test("a server that answers is well whatever it answers, and one that does not is a warning that says why", async () => {
  await using yes = server(() => new Response("hello"));
  await using no = server(() => new Response("go away", { status: 403 }));
  const at = (port: number) => `http://127.0.0.1:${port}`;
  const closed = closedPort();
  await using user = await patient(
    isos(at(yes.addr.port), at(no.addr.port), at(closed), `${at(closed)}/other`),
  );
  const findings = await checkMirrors(user.context);
  const of = (port: number) => findings.filter(({ name }) => name === `127.0.0.1:${port}`);
  deepEqual(of(yes.addr.port), [{ name: `127.0.0.1:${yes.addr.port}`, result: "ok", detail: "answers" }]);
  deepEqual(of(no.addr.port).map(({ result, detail }) => [result, detail]), [["ok", "answers (403)"]]);
  deepEqual(of(closed).map(({ result, detail }) => [result, detail]), [
    ["warning", `127.0.0.1:${closed} refuses the connection`],
  ]);
  equal(findings.length, 3);
});

Deno.test("no server is asked when pim shall stay offline, or there is none to ask", async () => {
  await using user = await patient(isos(`http://127.0.0.1:${closedPort()}`));
  const offline = await checkMirrors({ ...user.context, offline: true });
  deepEqual(offline.map(({ result, detail }) => [result, detail]), [[
    "ok",
    "not asked, because of --offline",
  ]]);
  await using nobody = await patient();
  equal((await checkMirrors(nobody.context))[0]?.detail, "the catalog names none");
});

Deno.test("who is cancelled while a server keeps silent does not wait for it", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using user = await patient(isos(`http://127.0.0.1:${silent.addr.port}`));
  const controller = new AbortController();
  const asked = checkMirrors({ ...user.context, signal: controller.signal });
  using _conn = await silent.accept();
  controller.abort();
  await rejects(asked, (error) => error instanceof CancelledError);
});

Deno.test("every server of an entry counts once, and those of files not at all", async () => {
  await using user = await patient({
    "pim.yml": "",
    "isos.d/a.yml": "a-amd64:\n  url: https://a.example/x.iso\n  mirrors: [http://b.example/x.iso]\n" +
      "  checksum_url: https://a.example/SUMS\n  signature_url: https://c.example/SUMS.sign\n" +
      "  signing_key: 00112233445566778899AABBCCDDEEFF00112233\n" +
      "b-amd64:\n  url: /srv/b.iso\n",
  });
  const { folders } = await user.context.config();
  deepEqual(serversOf(await loadCatalog(folders)), [
    "http://b.example",
    "https://a.example",
    "https://c.example",
  ]);
});

Deno.test("no bridge is no fault, and a bridge that VMs may not join comes with the commands for it", async () => {
  await using dir = await tempDir({ "net/eth0/flags": "0x1003\n" });
  const places = {
    interfaces: join(dir.path, "net"),
    acl: join(dir.path, "bridge.conf"),
    helpers: [join(dir.path, "helper")],
    uid: 1000,
  };
  const look = () => judgeBridge({ platform: "linux", places });
  equal((await look()).result, "ok");
  await dir.write("net/br0/bridge/bridge_id", "8000\n");
  await dir.write("net/br0/flags", "0x1003\n");
  const without = await look();
  equal(without.result, "warning");
  match(without.detail, /qemu-bridge-helper.* is not on this host/);
  await dir.write("helper", "");
  const closed = await look();
  equal(closed.result, "warning");
  match(closed.fix ?? "", /^Type:\n {2}.*echo 'allow br0' \| sudo tee -a .*\n {2}sudo chmod u\+s .*helper$/);
  await dir.write("bridge.conf", "allow br0\n");
  const open = await judgeBridge({ platform: "linux", places: { ...places, uid: 0 } });
  deepEqual([open.result, open.detail], ["ok", `br0, joined by ${dir.path}/helper`]);
});
