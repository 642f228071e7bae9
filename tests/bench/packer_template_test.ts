import assert from "node:assert/strict";
import { join } from "node:path";
import { copyScripts, planAsPim } from "./demo_plan.ts";
import { changeLastScript, fiveScripts, writeFiveScripts } from "./five_scripts.ts";
import { packerTemplate } from "./packer_template.ts";
import { tempDir } from "../base/temp.ts";

const iso = { path: "/isos/demo.iso", sha256: "0".repeat(64), key: "demo" };

/** What packer is told to do for the profile with five scripts. */
async function templateIn(home: string) {
  const project = join(home, "project");
  await writeFiveScripts(project, iso);
  const plan = await planAsPim(home, project, fiveScripts);
  const scripts = await copyScripts(plan, join(home, "scripts"));
  const template = packerTemplate({
    ...{ plan, iso, scripts, httpDir: "/http", httpPort: 8000, outputDir: "/out", serialLog: "/serial.log" },
    accelerator: "tcg",
  });
  return JSON.parse(JSON.stringify(template));
}

Deno.test("packer gets pim's machine but for the CPU model, its kernel line and scripts, with finalize last", async () => {
  await using temp = await tempDir();
  const home = temp.path;
  const template = await templateIn(home);
  const [builder] = template.builders;
  assert.deepEqual(builder.qemuargs.slice(0, 2), [
    ["-accel", "tcg,thread=multi"],
    ["-netdev", "user,id=user.0,hostfwd=tcp:127.0.0.1:{{ .SSHHostPort }}-:22"],
  ]);
  assert.deepEqual([builder.memory, builder.cpus, builder.disk_size], [1024, 2, "4096M"]);
  assert.equal(
    builder.boot_command[0],
    "/install.amd/vmlinuz initrd=/install.amd/initrd.gz auto=true priority=critical " +
      "url=http://10.0.2.2:8000/preseed.cfg hostname=pim-demo domain=example.org console=ttyS0,115200n8 " +
      "DEBIAN_FRONTEND=text --- console=ttyS0,115200n8 quiet<enter>",
  );
  assert.deepEqual(template.provisioners[0].scripts, [
    ...["base.sh", "demo.sh", "motd.sh", "tools.sh", "application.sh", "finalize.sh"],
  ]);
  assert.ok(template.provisioners[0].environment_vars.includes("PIM_PROFILE=bench"));
});

Deno.test("only the last of the five scripts is another one after it was changed", async () => {
  await using temp = await tempDir();
  const home = temp.path;
  const project = join(home, "project");
  await writeFiveScripts(project, iso);
  const scripts = async () =>
    (await planAsPim(home, project, fiveScripts)).scripts.map(({ name, content }) => [
      name,
      new TextDecoder().decode(content),
    ]);
  const before = await scripts();
  await changeLastScript(project, 2);
  const after = await scripts();
  const changed = after.filter(([, text], index) => text !== before[index]?.[1]).map(([name]) => name);
  assert.deepEqual(changed, ["application"]);
  assert.equal(after.at(-1)?.[0], "application");
});
