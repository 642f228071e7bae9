import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { basename, join } from "node:path";
import { buildSteps } from "../../lib/build/build.ts";
import { type BuildRequest, planBuild } from "../../lib/build/plan.ts";
import { hostArchitecture } from "../../lib/architecture.ts";
import { UsageError } from "../../lib/errors.ts";
import { type Places, places } from "./places.ts";

const host = hostArchitecture();
const other = host === "amd64" ? "arm64" : "amd64";
const catalog = ["12-amd64", "13-amd64", "13-arm64"].map((each) =>
  `debian-${each}-netinst:\n  url: https://example.invalid/debian-${each}.iso\n  architecture: ${
    each.slice(3)
  }\n`
).join("");

const profile = (fields: string) => `export default { iso: "debian-*-{arch}-netinst", ${fields} };\n`;

async function plan(place: Places, request: Partial<BuildRequest> = {}) {
  return await planBuild(await place.config(), { profile: "web", ...request });
}

function fails(promise: Promise<unknown>, message: RegExp, hint: RegExp): Promise<void> {
  return rejects(promise, (error) => {
    ok(error instanceof UsageError, String(error));
    match(error.message, message);
    match(error.hint ?? "", hint);
    equal(error.exitCode, 2);
    return true;
  });
}

Deno.test("without a wish the host's architecture is built, with its newest ISO", async () => {
  await using place = await places({ "isos.d/all.yml": catalog, "profiles.d/web.ts": profile("") });
  const { architecture, iso, name, profile: resolved } = await plan(place);
  equal(architecture, host);
  equal(iso.key, `debian-13-${host}-netinst`);
  match(name, new RegExp(`^web-${host}-\\d{8}T\\d{6}Z$`));
  deepEqual(resolved.architectures, [host]);
});

Deno.test("a profile for another architecture only is built for that one", async () => {
  await using place = await places({
    "isos.d/all.yml": catalog,
    "profiles.d/web.ts": profile(`architectures: ["${other}"]`),
  });
  equal((await plan(place)).architecture, other);
  await fails(
    plan(place, { architecture: host }),
    new RegExp(`Profile web is not made for ${host}`),
    new RegExp(`It has: ${other}\\..*--arch`),
  );
});

Deno.test("the request's architecture and ISO win over the profile's", async () => {
  await using place = await places({ "isos.d/all.yml": catalog, "profiles.d/web.ts": profile("") });
  const { architecture, iso, profile: { build } } = await plan(place, {
    architecture: "arm64",
    iso: "debian-13-arm64-netinst",
  });
  deepEqual([architecture, iso.key, build.firmware], ["arm64", "debian-13-arm64-netinst", "uefi"]);
  equal(
    (await plan(place, { architecture: "amd64", iso: "debian-12-*" })).iso.key,
    "debian-12-amd64-netinst",
  );
  await fails(
    plan(place, { architecture: "amd64", iso: "debian-13-arm64-netinst" }),
    /debian-13-arm64-netinst is for arm64, not for amd64/,
    /--arch arm64/,
  );
});

Deno.test("misspelt profiles and ISOs get the nearest name, and a profile without ISO says where to put one", async () => {
  await using place = await places({
    "isos.d/all.yml": catalog,
    "profiles.d/web.ts": profile(""),
    "profiles.d/bare.ts": "export default {};\n",
  });
  await fails(plan(place, { profile: "wbe" }), /There is no profile wbe/, /Did you mean web\?/);
  await fails(
    plan(place, { architecture: "amd64", iso: "debian-12-amd64-netints" }),
    /No ISO in the catalog is called debian-12-amd64-netints/,
    /Did you mean debian-12-amd64-netinst\?/,
  );
  await fails(
    plan(place, { profile: "bare" }),
    /Profile bare does not say which ISO/,
    /--iso KEY.*pim iso list/,
  );
});

Deno.test("the machine is pim.yml's where the profile does not say otherwise", async () => {
  await using place = await places({
    "isos.d/all.yml": catalog,
    "pim.yml":
      "build:\n  disk_size: 8G\n  memory: 4G\n  cpus: 3\n  ssh: { user: admin, timeout: 90, port: 2222 }\n",
    "profiles.d/default.ts": "export default { build: { cpus: 5 } };\n",
    "profiles.d/web.ts": profile('username: "ann", build: { memoryMiB: 512 }'),
  });
  const made = await plan(place);
  const { diskSize, memoryMiB, cpus, sshTimeoutMinutes, installTimeoutMinutes } = made.profile.build;
  deepEqual([diskSize, memoryMiB, cpus, sshTimeoutMinutes, installTimeoutMinutes], ["8G", 512, 5, 1.5, 60]);
  deepEqual([made.diskBytes, made.sshUser, made.sshPort], [8 * 1024 ** 3, "admin", 2222]);
  await using plain = await places({
    "isos.d/all.yml": catalog,
    "profiles.d/web.ts": profile('username: "ann"'),
  });
  const defaults = await plan(plain);
  deepEqual([defaults.diskBytes, defaults.sshUser, defaults.sshPort], [20 * 1024 ** 3, "ann", 0]);
});

Deno.test("scripts run in this order: base, the profile's own, listed ones, finalize; each once", async () => {
  const script = "#!/bin/sh\n";
  await using place = await places({
    "isos.d/all.yml": catalog,
    "profiles.d/web.ts": profile('scripts: ["nginx", "certs.sh", "base"]'),
    "profiles.d/db.ts": profile(""),
    "profiles.d/lost.ts": profile('scripts: ["ngnix"]'),
    ...Object.fromEntries(
      ["base", "web", "default", "nginx", "certs", "finalize", "unused"].map((
        name,
      ) => [`scripts.d/${name}.sh`, script]),
    ),
  });
  const made = await plan(place);
  deepEqual(made.scripts.map(({ name }) => name), ["base", "web", "nginx", "certs", "finalize"]);
  deepEqual(made.scripts.map(({ path }) => basename(path)), [
    "base.sh",
    "web.sh",
    "nginx.sh",
    "certs.sh",
    "finalize.sh",
  ]);
  deepEqual((await plan(place, { profile: "db" })).scripts.map(({ name }) => name), [
    "base",
    "default",
    "finalize",
  ]);
  await fails(
    plan(place, { profile: "lost" }),
    /lists the script ngnix, but there is no scripts.d\/ngnix.sh/,
    new RegExp(join(place.dir, "config")),
  );
});

Deno.test("a build is this list of steps", async () => {
  await using place = await places({
    "isos.d/all.yml": catalog,
    "profiles.d/web.ts": profile(""),
    "scripts.d/base.sh": "",
    "scripts.d/web.sh": "",
  });
  deepEqual(buildSteps(await plan(place)).steps.map(({ name }) => name), [
    "check host",
    "ensure ISO",
    "extract kernel",
    "create disk",
    "serve answers",
    "install",
    "start installed system",
    "script base",
    "script web",
    "inventory",
    "finalize",
    "power off",
    "flatten",
    "register",
  ]);
});

Deno.test("with --verify, or where pim.yml says so, the image is checked before it is registered", async () => {
  await using place = await places({ "isos.d/all.yml": catalog, "profiles.d/web.ts": profile("") });
  const last = async (request: Partial<BuildRequest>) =>
    buildSteps(await plan(place, request)).steps.slice(-3).map(({ name }) => name);
  deepEqual(await last({ verify: true }), ["flatten", "verify", "register"]);
  deepEqual(await last({}), ["power off", "flatten", "register"]);
  await place.write({ "pim.yml": "build: { verify: true }\n" });
  deepEqual(await last({}), ["flatten", "verify", "register"]);
  deepEqual(await last({ verify: false }), ["power off", "flatten", "register"]);
});
