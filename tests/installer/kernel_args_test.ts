import assert from "node:assert/strict";
import { bootParameters } from "../../lib/installer/boot_parameters.ts";
import { debian } from "../../lib/installer/debian.ts";
import { grubKernelLine, kernelLine, splitKernelArgs } from "../../lib/installer/kernel_line.ts";
import { ubuntu } from "../../lib/installer/ubuntu.ts";
import { resolveProfile } from "../../lib/profile/resolved.ts";

const baseUrl = "http://10.0.2.2:8080/0123abcd";

Deno.test("Debian's kernel line has answers, consoles and log in a fixed order, and keeps the serial console", () => {
  const profile = resolveProfile("web", { hostname: "web1", domain: "example.org" }, "amd64");
  const words = debian.kernelArgs({
    baseUrl,
    profile,
    architecture: "amd64",
    syslog: { host: "10.0.2.2", port: 5514 },
  });
  assert.deepEqual(words, [
    "auto=true",
    "priority=critical",
    "url=http://10.0.2.2:8080/0123abcd/preseed.cfg",
    "hostname=web1",
    "domain=example.org",
    "console=ttyS0,115200n8",
    "DEBIAN_FRONTEND=text",
    "log_host=10.0.2.2",
    "log_port=5514",
    "---",
    "console=ttyS0,115200n8",
    "quiet",
  ]);
});

Deno.test("On arm64 the serial console is the PL011, and extra words go before or after the dashes as written", () => {
  const profile = resolveProfile("pi", { build: { kernelArgs: ["foo=1", "---", "net.ifnames=0"] } }, "arm64");
  assert.equal(
    kernelLine(debian.kernelArgs({ baseUrl, profile, architecture: "arm64" })),
    `auto=true priority=critical url=${baseUrl}/preseed.cfg hostname=pi console=ttyAMA0,115200n8 DEBIAN_FRONTEND=text ` +
      "foo=1 --- console=ttyAMA0,115200n8 net.ifnames=0 quiet",
  );
});

Deno.test("Ubuntu's kernel line points cloud-init at the seed server with a slash at the end", () => {
  const profile = resolveProfile("noble", {}, "amd64");
  assert.deepEqual(ubuntu.kernelArgs({ baseUrl, profile, architecture: "amd64" }), [
    "boot=casper",
    "autoinstall",
    "ds=nocloud-net;s=http://10.0.2.2:8080/0123abcd/",
    "ip=dhcp",
    "fsck.mode=skip",
    "console=ttyS0,115200n8",
    "---",
    "console=ttyS0,115200n8",
  ]);
});

Deno.test("Boot parameters for a person have no serial console, and quote Ubuntu's semicolon for GRUB", () => {
  const profile = resolveProfile("noble", { build: { kernelArgs: ["---", "net.ifnames=0"] } }, "amd64");
  const options = { baseUrl, profile, architecture: "amd64", serialConsole: false } as const;
  assert.deepEqual(bootParameters(ubuntu, options), {
    installer: `boot=casper autoinstall "ds=nocloud-net;s=${baseUrl}/" ip=dhcp fsck.mode=skip`,
    installed: "net.ifnames=0",
  });
  assert.deepEqual(bootParameters(debian, options), {
    installer: `auto=true priority=critical url=${baseUrl}/preseed.cfg hostname=noble`,
    installed: "net.ifnames=0",
  });
});

Deno.test("A word with a space cannot be put on a kernel line", () => {
  assert.throws(() => kernelLine(["hostname=my host"]), /cannot hold the word "hostname=my host"/);
  assert.throws(() => grubKernelLine(["a b"]), /cannot hold/);
});

Deno.test("Extra words without dashes belong to the installer", () => {
  assert.deepEqual(splitKernelArgs(["a", "b"]), { installer: ["a", "b"], installed: [] });
});

Deno.test("Error dialogs of the text frontend are stop signs in every language, the quoted late command is none", () => {
  const stops = (line: string) => debian.stopSigns.some(({ pattern }) => pattern.test(line));
  assert.ok(stops("!! ERROR: Bad archive mirror"));
  assert.ok(stops("\u001b[1m!! ERREUR : Échec"));
  assert.ok(stops("!! ОШИБКА: x"));
  assert.ok(stops("pim: late command failed"));
  assert.ok(
    !stops('log-output: preseed/late_command: …; else echo "pim: late command" failed > /dev/console; fi'),
  );
  assert.ok(!stops("main-menu[300]: INFO: Menu item 'partman-base' selected"));
});

Deno.test("Defaults of a profile are those that its types document", () => {
  const profile = resolveProfile("My_Web.1", { build: { firmware: "bios" }, httpProxy: "" }, "arm64");
  assert.equal(profile.hostname, "my-web-1");
  assert.equal(profile.username, "pim");
  assert.equal(profile.fullname, "pim");
  assert.equal(profile.httpProxy, undefined);
  assert.deepEqual(profile.partitioning, {
    method: "regular",
    recipe: "atomic",
    disk: undefined,
    filesystem: "ext4",
  });
  assert.deepEqual(profile.build, {
    diskSize: "20G",
    memoryMiB: 2048,
    cpus: 2,
    firmware: "uefi",
    installTimeoutMinutes: 60,
    sshTimeoutMinutes: 10,
    scriptTimeoutMinutes: 60,
    stallMinutes: 5,
    warm: true,
    kernelArgs: [],
    qemuArgs: [],
  });
  assert.deepEqual(profile.architectures, ["arm64"]);
});
