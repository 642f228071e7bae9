import assert from "node:assert/strict";
import { join } from "node:path";
import { parseYaml } from "../../lib/config/yaml.ts";
import { run, which } from "../../lib/process.ts";
import { resolveProfile } from "../../lib/profile/resolved.ts";
import type { Profile } from "../../lib/profile/types.ts";
import { replaceFetch, replaceFetches } from "../../lib/ventoy/answers/fetches.ts";
import { renderStickAnswer, stickFamily } from "../../lib/ventoy/answers/render.ts";
import { renderAnswer } from "../../lib/serve/answers.ts";
import { tempDir } from "../base/temp.ts";
import { autoinstallCheck } from "../serve/autoinstall_schema.ts";
import { checkWithDebconf } from "../serve/debconf.ts";
import { finder, folderWith } from "../serve/sources.ts";

const salt = "saltsaltsaltsalt";
const url = "http://seed-server.invalid/install.sh";

function source(profile: Profile, family: "debian" | "ubuntu", ...folders: string[]) {
  return {
    profile: resolveProfile("web", profile, "amd64"),
    architecture: "amd64" as const,
    family,
    find: finder("web", ...folders),
    salt,
  };
}

/** The late command as `pim serve` would hand it out. */
async function served(profile: Profile): Promise<string> {
  const answer = await renderAnswer("/install.sh", { ...source(profile, "debian"), baseUrl: "http://x" });
  return answer.body;
}

const developer: Profile = {
  username: "dev",
  password: "geheim99",
  sshAuthorizedKeys: ["ssh-ed25519 AAAA dev's key"],
  packages: ["git"],
};

/** The value of the last answer to a question, its continued lines joined, as debconf-set-selections has it. */
function lastAnswer(preseed: string, question: string): string | undefined {
  const joined = preseed.split("\n").filter((line) => !line.startsWith("#")).join("\n").replaceAll(
    /\\\n\s*/g,
    "",
  );
  return [...joined.matchAll(new RegExp(`^d-i ${question} string (.*)$`, "gm"))].at(-1)?.[1];
}

Deno.test("the commands that fetch the late command are found in every usual form, and nothing else is", () => {
  const make = (file: string) => `MAKE ${file}`;
  for (
    const [command, expected] of [
      [`wget -q -O /t/x '${url}' && sh`, "MAKE /t/x && sh"],
      [`wget -qO /t/x ${url}; sh`, "MAKE /t/x; sh"],
      [`wget --no-proxy -T 5 -O "/t/x" "${url}"`, 'MAKE "/t/x"'],
      [`wget ${url} -O /t/x`, "MAKE /t/x"],
      [`curl -fsSL -o /t/x ${url}`, "MAKE /t/x"],
      [`preseed_fetch ${url} /t/x`, "MAKE /t/x"],
      [`wget -q -O /t/x http://example.org/install.sh`, `wget -q -O /t/x http://example.org/install.sh`],
      [`true; in-target sh -c 'wget -O /x ${url}'`, `true; in-target sh -c 'wget -O /x ${url}'`],
      [`in-target true; wget -O /t/x ${url}`, "in-target true; MAKE /t/x"],
      [`wget -q -O - ${url} | sh`, `wget -q -O - ${url} | sh`],
      [`wget -q -O - ${url}/more | sh`, `wget -q -O - ${url}/more | sh`],
    ] as const
  ) assert.equal(replaceFetches(command, make), expected);
  assert.deepEqual(replaceFetch(["wget", "-q", "-O", "/t/it's", url], make), [
    "sh",
    "-c",
    `MAKE '/t/it'\\''s'`,
  ]);
  assert.deepEqual(replaceFetch(["curl", url], make), ["curl", url]);
  assert.deepEqual(replaceFetch(["sh", "-c", "x"], make), ["sh", "-c", "x"]);
});

Deno.test("a preseed on a stick gives back the late command byte for byte by the very command in it", async () => {
  const preseed = await renderStickAnswer(source(developer, "debian"));
  assert.ok(!preseed.includes("http://seed-server.invalid"));
  await using dir = await tempDir({ "ventoy/autoinstall": preseed });
  const late = lastAnswer(preseed, "preseed/late_command") ?? "";
  const [command] = /sed -n .*? > \/target\/var\/tmp\/pim-install\.sh/.exec(late) ?? [];
  const here = command?.replace("/ventoy/", `${dir.path}/ventoy/`).replace("/target/var/tmp", dir.path);
  await run(["sh", "-c", here ?? "exit 9"]);
  assert.equal(await Deno.readTextFile(join(dir.path, "pim-install.sh")), await served(developer));
});

Deno.test({
  name: "debconf accepts a preseed on a stick",
  ignore: await which("debconf-set-selections") === undefined,
  async fn() {
    const { stderr } = await checkWithDebconf(await renderStickAnswer(source(developer, "debian")));
    assert.equal(stderr, "");
  },
});

Deno.test("without a disk in the profile, the stick and all that is on USB are passed over", async () => {
  const command = lastAnswer(await renderStickAnswer(source({}, "debian")), "partman/early_command") ?? "";
  await using dir = await tempDir({
    "bin/list-devices": "#!/bin/sh\nprintf '/dev/sda\\n/dev/sdb\\n/dev/sdc\\n'\n",
    "bin/debconf-set": '#!/bin/sh\necho "$1=$2"\n',
    "bin/readlink":
      '#!/bin/sh\ncase "$2" in */sda) echo /sys/devices/pci/usb1/1-1/block/sda;; *) echo /sys/devices/ata;; esac\n',
  });
  for (const name of ["list-devices", "debconf-set", "readlink"]) {
    await Deno.chmod(join(dir.path, "bin", name), 0o755);
  }
  const env = { PATH: `${join(dir.path, "bin")}:${Deno.env.get("PATH")}` };
  const { stdout } = await run(["sh", "-c", command], { env });
  assert.equal(stdout, "partman-auto/disk=/dev/sdb\ngrub-installer/bootdev=/dev/sdb\n");
});

Deno.test("a disk that the profile or its template names is left alone", async () => {
  const named = await renderStickAnswer(source({ partitioning: { disk: "/dev/nvme0n1" } }, "debian"));
  assert.equal(lastAnswer(named, "partman/early_command"), undefined);
  await using own = await folderWith({
    "preseeds.d/web.cfg": "d-i partman/early_command string my-choice\n",
    "preseeds.d/other.cfg": "",
  });
  const text = await renderStickAnswer(source({}, "debian", own.path));
  assert.equal(lastAnswer(text, "partman/early_command"), "my-choice");
  const boot = await renderStickAnswer(source({ grubDevice: "/dev/sdz" }, "debian"));
  assert.ok(!lastAnswer(boot, "partman/early_command")?.includes("bootdev"));
});

Deno.test("user-data on a stick is what Ventoy knows as such, and its late command makes the script", async () => {
  for (const profile of [developer, { ...developer, answers: { timezone: "Europe/Berlin" } }]) {
    const text = await renderStickAnswer(source(profile, "ubuntu"));
    // The sign by which Ventoy's hook tells cloud-init's files from preseeds.
    assert.match(text, /^#cloud-config\n(.*\n)*autoinstall:/);
    const { autoinstall } = parseYaml(text, "x").value as { autoinstall: Record<string, unknown[][]> };
    assert.deepEqual((await autoinstallCheck()).check(autoinstall), []);
    const [sh, flag, command] = autoinstall["late-commands"]?.[0] as string[];
    assert.deepEqual([sh, flag], ["sh", "-c"]);
    await using dir = await tempDir();
    await run(["sh", "-c", command?.replace("/target/var/tmp", dir.path) ?? "exit 9"]);
    assert.equal(await Deno.readTextFile(join(dir.path, "pim-install.sh")), await served(profile));
  }
});

Deno.test("Ubuntu's installer is told the first disk that is not on USB, in the file that it reads again", async () => {
  const text = await renderStickAnswer(source({}, "ubuntu"));
  const { autoinstall } = parseYaml(text, "x").value as {
    autoinstall: { storage: { layout: Record<string, unknown> }; "early-commands": string[][] };
  };
  assert.deepEqual(autoinstall.storage.layout, { name: "direct", match: { path: "/dev/pim-chooses" } });
  const lsblk =
    "#!/bin/sh\nprintf '/dev/zram0 disk \\n/dev/sr0 rom sata\\n/dev/sda disk usb\\n/dev/nvme0n1 disk nvme\\n'\n";
  await using dir = await tempDir({ "bin/lsblk": lsblk, "autoinstall.yaml": "path: /dev/pim-chooses\n" });
  await Deno.chmod(join(dir.path, "bin", "lsblk"), 0o755);
  const [sh = "", flag = "", command = ""] = autoinstall["early-commands"][0] ?? [];
  const here = command.replace("/autoinstall.yaml", join(dir.path, "autoinstall.yaml"));
  await run([sh, flag, here], { env: { PATH: `${join(dir.path, "bin")}:${Deno.env.get("PATH")}` } });
  assert.equal(await Deno.readTextFile(join(dir.path, "autoinstall.yaml")), "path: /dev/nvme0n1\n");
});

Deno.test("storage that the profile describes by itself stays as it is", async () => {
  const storage = { layout: { name: "lvm", match: { serial: "X" } } };
  const text = await renderStickAnswer(source({ answers: { storage } }, "ubuntu"));
  const { autoinstall } = parseYaml(text, "x").value as { autoinstall: Record<string, unknown> };
  assert.deepEqual([autoinstall["storage"], autoinstall["early-commands"]], [
    { layout: { name: "lvm", match: { serial: "X" } } },
    undefined,
  ]);
});

Deno.test("a family that Ventoy cannot be told of is refused, with those that it can", () => {
  assert.equal(stickFamily("debian", "web"), "debian");
  assert.throws(() => stickFamily("plan9", "web"), (error: Error & { hint?: string }) => {
    assert.match(error.message, /Profile web cannot be installed from a stick: .* for plan9/);
    assert.match(error.hint ?? "", /debian, ubuntu/);
    return true;
  });
});

Deno.test("a template that needs the seed server for more than the late command is refused with its line", async () => {
  await using own = await folderWith({
    "preseeds.d/web.cfg.eta": "d-i preseed/include string <%= it.baseUrl %>/more.cfg\n",
  });
  await assert.rejects(
    renderStickAnswer(source({}, "debian", own.path)),
    /web\.cfg\.eta fetches from the seed server in a way that a stick cannot replace: d-i preseed\/include/,
  );
  await using script = await folderWith({ "installs.d/web.sh.eta": "wget <%= it.baseUrl %>/more\n" });
  for (const family of ["debian", "ubuntu"] as const) {
    await assert.rejects(
      renderStickAnswer(source({}, family, script.path)),
      /web\.sh\.eta fetches from the seed server in a way that a stick cannot replace: wget/,
    );
  }
});
