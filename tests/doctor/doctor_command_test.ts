import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { which } from "../../lib/process.ts";
import { newUser, type User } from "../cli/pim.ts";

interface Line {
  readonly group: string;
  readonly name: string;
  readonly result: "ok" | "warning" | "problem";
  readonly detail: string;
  readonly fix?: string;
}

/** Runs pim doctor with a PATH on which only these programs are: found ones as they are, others as empty scripts. */
async function doctorWith(user: User, programs: readonly string[], ...args: string[]) {
  const bin = join(user.path, "bin");
  await Deno.mkdir(bin);
  for (const name of programs) {
    const path = await which(name);
    if (path !== undefined) await Deno.symlink(path, join(bin, name));
    else await Deno.writeTextFile(join(bin, name), "#!/bin/sh\n", { mode: 0o755 });
  }
  const { code, stdout, stderr } = await user.run([...user.argv, "doctor", "--json", "--offline", ...args], {
    env: { PATH: bin },
  });
  const lines: Line[] = JSON.parse(stdout);
  return { code, stderr, lines, of: (name: string) => lines.find((each) => each.name === name) };
}

Deno.test("a host that has what it takes is ready, in groups and in one sentence, with exit code 0", async () => {
  await using user = await newUser();
  const { code, stdout, stderr } = await user.pim("doctor", "--offline");
  deepEqual([code, stderr], [0, ""]);
  match(stdout, /^pim and its host\n {2}ok {7}pim /);
  match(stdout, /\n\nQEMU\n {2}ok {7}qemu-img +\d+\.\d+\.\d+, \/.*qemu-img\n/);
  match(stdout, /\n {2}warning {2}settings +there is no configuration yet .*\n +→ pim init\n/);
  match(stdout, /\n\nThis host is ready: \d+ checks, \d+ warnings?\.\n$/);
});

Deno.test("without QEMU the host is not ready: what is missing is named with one command for this system", async () => {
  await using user = await newUser();
  const { code, stderr, of } = await doctorWith(user, ["apt-get"]);
  equal(code, 3);
  const guests = Deno.build.arch === "aarch64" ? "arm64 guests" : "amd64 guests";
  match(
    stderr,
    new RegExp(`^error: This host is not ready: 2 problems \\(qemu-img, ${guests}\\), \\d+ warnings\\n$`),
  );
  for (const name of ["qemu-img", guests]) {
    equal(of(name)?.result, "problem");
    match(of(name)?.fix ?? "", /^Install it: (sudo )?apt-get install qemu-system-\w+ qemu-utils$/);
  }
  equal(of("accelerator"), undefined);
  // What only some need is no problem for all.
  equal(of("ssh")?.result, "warning");
  deepEqual(["gpgv", "virsh", "sticks"].map((name) => of(name)?.result), ["ok", "ok", "ok"]);
  match(
    of("virsh")?.detail ?? "",
    /only matters for targets of type libvirt\. Install it: (sudo )?apt-get install/,
  );
});

Deno.test("what the configuration asks for and the host has not is a problem", async () => {
  await using user = await newUser({
    "work/pim.yml": "",
    "work/isos.d/a.yml":
      "a-amd64:\n  url: https://a.example/x.iso\n  checksum_url: https://a.example/SUMS\n" +
      "  signature_url: https://a.example/SUMS.sign\n  signing_key: 00112233445566778899AABBCCDDEEFF00112233\n",
    "work/targets.d/a.yml": "kvm1:\n  type: libvirt\n",
  });
  const { code, lines, of } = await doctorWith(user, ["dnf"], "programs");
  // Root needs none, and may have none.
  const sudo = Deno.uid() === 0 ? "" : "sudo ";
  equal(code, 3);
  ok(lines.every(({ group }) => group === "programs"));
  deepEqual([of("gpgv")?.result, of("gpgv")?.fix], ["problem", `Type: ${sudo}dnf install gnupg2`]);
  deepEqual([of("virsh")?.result, of("virsh")?.fix], [
    "problem",
    `Install it: ${sudo}dnf install libvirt-client`,
  ]);
});

Deno.test("a QEMU that is too old, or none, is a problem in its own words", async () => {
  await using user = await newUser();
  await user.write("old/qemu-system-x86_64", "#!/bin/sh\necho QEMU emulator version 4.2.1\n");
  await Deno.chmod(join(user.path, "old/qemu-system-x86_64"), 0o755);
  const { stdout } = await user.run([...user.argv, "doctor", "qemu", "--json"], {
    env: { PATH: `${user.path}/old:/bin:/usr/bin` },
  });
  const line = (JSON.parse(stdout) as Line[]).find(({ name }) => name === "amd64 guests");
  equal(line?.detail, "QEMU 4.2.1 is too old: pim needs 6.0 or later");
});

Deno.test("a bad profile of a named project is a problem, and only the groups that are named are looked at", async () => {
  await using user = await newUser({
    "p/pim.yml": "",
    "p/profiles.d/web.ts": 'export default { usrname: "x" };\n',
  });
  const { code, stdout, stderr } = await user.pim("doctor", "config", "--project", "../p");
  equal(code, 3);
  match(stdout, /^Configuration\n/);
  match(
    stdout,
    /\n {2}problem {2}profiles +1 of 1 cannot be loaded\n +web: .* Did you mean username\?\n +→ /,
  );
  ok(!stdout.includes("QEMU"));
  match(stderr, /^error: This host is not ready: 1 problem \(profiles\), 0 warnings\n$/);
});

Deno.test("a group that is none is wrong usage, with the one that was meant", async () => {
  await using user = await newUser();
  const { code, stdout, stderr } = await user.pim("doctor", "qmeu");
  deepEqual([code, stdout], [2, ""]);
  equal(stderr, "error: There are no checks called qmeu\nhint: Did you mean qemu?\n");
});

Deno.test("Ctrl-C while a server keeps silent ends it as cancelled", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using user = await newUser({
    "work/pim.yml": "",
    "work/isos.d/a.yml": `a-amd64:\n  url: http://127.0.0.1:${silent.addr.port}/x.iso\n`,
  });
  const [program = "", ...args] = [...user.argv, "doctor", "config", "network"];
  const child = new Deno.Command(program, {
    ...{ args, cwd: join(user.path, "work"), clearEnv: true, env: { ...user.env } },
    ...{ stdout: "piped", stderr: "piped" },
  }).spawn();
  using _conn = await silent.accept();
  child.kill("SIGINT");
  const { code, stdout, stderr } = await child.output();
  equal(code, 130);
  equal(new TextDecoder().decode(stderr), "cancelled\n");
  match(new TextDecoder().decode(stdout), /^(Configuration\n[^]*)?$/);
});
