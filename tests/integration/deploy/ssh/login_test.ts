import { match, ok, rejects, strictEqual } from "node:assert/strict";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DeployError } from "../../../../lib/deploy/deploy_error.ts";
import { exists } from "../../../../lib/files.ts";
import { run, start } from "../../../../lib/process.ts";
import { pim } from "../../../e2e/pim.ts";
import { sshPlace } from "./ssh_place.ts";

Deno.test("a host of known_hosts is trusted by the type of key that stands there, with a key of ~/.ssh", async () => {
  // A server that would show another key first.
  const keys = await Deno.makeTempDir({ prefix: "pim-keys-" });
  await run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", join(keys, "rsa")]);
  const config = ["Subsystem sftp internal-sftp", `HostKey ${join(keys, "rsa")}`];
  await using place = await sshPlace({ settings: ["host_key:", "key:"], sshd: { config } });
  const { sshd: { folder, port }, dir } = place;
  await Deno.mkdir(join(dir, ".ssh"));
  await Deno.copyFile(join(folder, "key"), join(dir, ".ssh", "id_ed25519"));
  await rejects(place.deploy("lab"), /is not known; it has the host key SHA256:/);
  const known = await Deno.readTextFile(join(keys, "rsa.pub"));
  await Deno.writeTextFile(join(dir, ".ssh", "known_hosts"), `[127.0.0.1]:${port} ${known}`);
  strictEqual((await place.deploy("lab")).state, "done");
  await Deno.remove(keys, { recursive: true });
});

Deno.test("the keys of an agent let in", async () => {
  const folder = await Deno.makeTempDir({ prefix: "pim-agent-" });
  const socket = join(folder, "socket");
  const agent = start(["ssh-agent", "-D", "-a", socket]);
  try {
    while (!(await exists(socket))) await sleep(10);
    await using place = await sshPlace({ settings: ["key:"], env: { SSH_AUTH_SOCK: socket } });
    await rejects(place.deploy("lab"), /was refused/);
    await run(["ssh-add", "-q", join(place.sshd.folder, "key")], { env: { SSH_AUTH_SOCK: socket } });
    strictEqual((await place.deploy("lab")).state, "done");
  } finally {
    agent.kill();
    await agent.ended;
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("without any way to log in the failure says what to set", async () => {
  await using place = await sshPlace({ settings: ["key:"] });
  await rejects(place.deploy("lab"), (error: unknown) => {
    ok(error instanceof DeployError);
    match(error.hint ?? "", /key: "file:PATH"/);
    return true;
  });
});

Deno.test("all that is wrong with an entry is told at once, with its lines", async () => {
  await using place = await sshPlace({ settings: ["port: 70000", "format: iso", "hots: x", "key: secret"] });
  const { code, stderr } = await pim(["target", "check", "lab"], { env: place.env });
  strictEqual(code, 2);
  match(stderr, /lab\.yml:4: port must be a port from 1 to 65535/);
  match(stderr, /format must be/);
  match(stderr, /hots is not known here. Did you mean host\?/);
  match(stderr, /key must be a reference such as "\$NAME"/);
});

Deno.test("`pim target check` tells the host's key and the room there, and a dry run what would be done", async () => {
  await using place = await sshPlace();
  const checked = await pim(["target", "check", "lab"], { env: place.env });
  strictEqual(checked.code, 0, checked.stderr);
  match(checked.stdout, /lab +login +ok +\S+@127\.0\.0\.1, host key SHA256:/);
  match(checked.stdout, /lab +folder +ok +.* can be written, .* are free/);
  const dry = await pim(["deploy", "run", "demo", "lab", "--dry-run"], { env: place.env });
  match(dry.stdout, /send the image to 127\.0\.0\.1:.*\n.*write its checksum to/);
  strictEqual(await exists(dirname(place.folder)), false, "nothing was made");
});
