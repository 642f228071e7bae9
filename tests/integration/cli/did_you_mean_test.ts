import assert from "node:assert/strict";
import { completingUser, image } from "../../cli/complete/completing_user.ts";

const later = image.replace("02T", "03T");

// One line for each kind of name, and what is meant by its last wrong word.
const lines: readonly (readonly [line: readonly string[], meant: string])[] = [
  [["biuld"], "build"],
  [["build", "rnu"], "run"],
  [["build", "run", "--dryrun"], "--dry-run"],
  [["run", "--disk", "ovrlay"], "overlay"],
  [["deploy", "output", "--format", "tfvar"], "tfvars"],
  [["build", "run", "wbe"], "web"],
  [["build", "plan", "wbe"], "web"],
  [["build", "layers", "wbe"], "web"],
  [["build", "clean", "wbe"], "web"],
  [["build", "log", "wbe"], "web"],
  [["build", "show", "wbe"], "web"],
  [["build", "show", later], image],
  [["build", "diff", "wbe"], "web"],
  [["build", "plan", "web", "--iso", "debian-13-amd64-netins"], "debian-13-amd64-netinst"],
  [["profile", "show", "wbe"], "web"],
  [["profile", "new", "x", "--extends", "wbe"], "web"],
  [["serve", "wbe"], "web"],
  [["iso", "show", "debian-13-amd64-netins"], "debian-13-amd64-netinst"],
  [["iso", "download", "debian-13-amd64-netins"], "debian-13-amd64-netinst"],
  [["config", "get", "build.disksize"], "build.disk_size"],
  [["target", "show", "lba"], "lab"],
  [["deploy", "run", "web", "lba"], "lab"],
  [["deploy", "run", "wbe", "lab"], "web"],
  [["deploy", "show", `lab/${later}`], `lab/${image}`],
  [["verify", "wbe"], "web"],
  [["verify", "dsk.qcow2"], "disk.qcow2"],
  [["run", "./dsk.qcow2"], "disk.qcow2"],
  [["run", "disk.raw", "--ssh-key", "folder/my kye.pub"], "my key.pub"],
  [["run", "mailsrever"], "mailserver"],
  [["status", "mailsrever"], "mailserver"],
  [["stop", "mailsrever"], "mailserver"],
  [["ssh", "mailsrever"], "mailserver"],
  [["help", "exit-code"], "exit-codes"],
];

Deno.test("a wrong command, flag, value or name of any kind is told with the one that is meant", async () => {
  await using user = await completingUser({
    "config/pim/targets.d/targets.yml": "lab: { type: file, path: /srv }\n",
  });
  await Deno.remove(`${user.path}/config/pim/targets.d/cloud.ts`);
  await user.write("config/pim/profiles.d/web.ts", 'export default { iso: "debian-13-amd64-netinst" };\n');
  await user.write("data/pim/vms/mailserver/.keep", "");
  await user.write("work/disk.raw", "");
  const wrong: string[] = [];
  for (const [line, meant] of lines) {
    const { code, stderr } = await user.pim(...line);
    const said = /did you mean [^\n]*/i.exec(stderr)?.[0] ?? stderr;
    if (code !== 2 || !said.includes(meant)) wrong.push(`pim ${line.join(" ")}: ${code} ${stderr}`);
  }
  assert.deepEqual(wrong, []);
});

Deno.test("an ISO that is in the catalog is not advised to be added", async () => {
  await using user = await completingUser();
  const { stderr } = await user.pim("iso", "show", "debian-13-amd64-netins");
  assert.doesNotMatch(stderr, /iso add/);
});
