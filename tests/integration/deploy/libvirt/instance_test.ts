// Instances whose guest agent never answers: the demo's image, whose agent does, is booted in tests/e2e.
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { removeDeployment } from "../../../../lib/deploy/deploy.ts";
import { DeployError } from "../../../../lib/deploy/deploy_error.ts";
import { verifyDeployment, type Verifying } from "../../../../lib/deploy/verify.ts";
import type { Ids } from "../../../../lib/deploy/target.ts";
import { putDeployment } from "../../../../lib/image/deployments.ts";
import { registryFile } from "../../../../lib/paths.ts";
import { vmPlaces } from "../../../../lib/vm/places.ts";
import { verifyingWith } from "../../../deploy/verifying.ts";
import { startSshd } from "../../../ssh/sshd.ts";
import { countingBootSector } from "../../../qemu/boot_sector.ts";
import { type LibvirtPlace, libvirtPlace, uriOverSsh } from "./libvirt_place.ts";

const verifyingFor = async (place: LibvirtPlace, bootTimeoutMs: number): Promise<Verifying> =>
  verifyingWith(await vmPlaces(await place.config()), bootTimeoutMs);

/** The names of all domains. */
const domains = async ({ libvirtd: { virsh } }: LibvirtPlace) =>
  (await virsh("list", "--all", "--name")).split("\n").filter((name) => name !== "").sort();

Deno.test("a deployment whose instance says nothing fails with its checks, stays, is not started, and nothing else is left", async () => {
  await using place = await libvirtPlace(["start: true", "name: gold"], { begin: countingBootSector() });
  const verifying = await verifyingFor(place, 1500);
  const seen: string[] = [];
  const failing = place.deploy("lab", {
    verifying,
    onEvent: (event) => event.type === "check" && seen.push(`${event.check.name} ${event.check.result}`),
  });
  await rejects(failing, (error: Error & { exitCode?: number; hint?: string }) => {
    match(
      error.message,
      /^The deployment lab\/demo-\S+ is not as it shall be: 2 of 12 checks failed: boot, guest agent$/,
    );
    match(
      error.hint ?? "",
      /^It stays there as it is, and the deployment goes no further\. .*pim deploy remove lab\/demo-/,
    );
    strictEqual(error.exitCode, 8);
    return true;
  });
  ok(seen.includes("boot failed") && seen.includes("SSH skipped") && seen.includes("machine-id skipped"));
  const [kept] = await place.deployments();
  deepStrictEqual([kept?.state, kept?.verified?.ok, kept?.ids.instance], ["unfinished", false, undefined]);
  deepStrictEqual([await domains(place), place.files()], [["gold"], ["gold.qcow2"]]);
  strictEqual(await place.libvirtd.virsh("domstate", "gold"), "shut off");
  // Not wanted to be verified, it goes on to its end.
  strictEqual((await place.deploy("lab")).state, "done");
  strictEqual(await place.libvirtd.virsh("domstate", "gold"), "running");
  const [done] = await place.deployments();
  const again = verifyDeployment(done!, await place.target("lab"), place.image.entry, {
    ...{ paths: place.paths, verifying, tools: place.tools(), onEvent: () => {} },
  });
  await rejects(again, (error: Error) => {
    ok(error instanceof DeployError);
    match(error.message, /its domain gold runs, and writes to its volume/);
    return true;
  });
});

Deno.test("a volume without a domain is verified too, each time until it is found right", async () => {
  await using place = await libvirtPlace(["define: none", "name: gold"]);
  const verifying = await verifyingFor(place, 500);
  await rejects(place.deploy("lab", { verifying }), { name: "VerificationError" });
  const [kept] = await place.deployments();
  deepStrictEqual([kept?.state, kept?.verified?.ok], ["done", false]);
  deepStrictEqual([await domains(place), place.files()], [[], ["gold.qcow2"]]);
  // It is there already, and is verified again as long as it was not found right.
  const texts: string[] = [];
  await rejects(
    place.deploy("lab", {
      verifying,
      onEvent: (event) => event.type === "planned" && texts.push(...event.actions),
    }),
    { name: "VerificationError" },
  );
  deepStrictEqual(texts, ["verify it: start throw-away instances of it there, and check them"]);
});

Deno.test("a UEFI instance has variables of its own, which go with it", async () => {
  const template = "/usr/share/OVMF/OVMF_VARS_4M.fd";
  await using place = await libvirtPlace(["name: gold"], { efiVars: template });
  let files: string[] = [];
  const failing = place.deploy("lab", {
    verifying: await verifyingFor(place, 500),
    onEvent: (event) => {
      if (event.type === "verifying" && event.text.startsWith("waiting")) files = place.files();
    },
  });
  await rejects(failing, { name: "VerificationError" });
  match(
    files.join(" "),
    /^gold-efi-vars\.fd gold\.qcow2 pim-verify-(\S+)-efi-vars\.fd pim-verify-\1\.qcow2$/,
  );
  deepStrictEqual([await domains(place), place.files()], [["gold"], ["gold-efi-vars.fd", "gold.qcow2"]]);
});

Deno.test("an instance is started, asked and removed over SSH too", async () => {
  await using opened = new AsyncDisposableStack();
  await using place = await libvirtPlace(
    ["name: gold"],
    {},
    async (libvirtd) => await uriOverSsh(libvirtd, opened.use(await startSshd())),
  );
  let during: readonly string[] = [];
  const failing = place.deploy("lab", {
    verifying: await verifyingFor(place, 500),
    onEvent(event) {
      if (event.type === "verifying" && event.text.startsWith("waiting")) during = place.files();
    },
  });
  await rejects(failing, { name: "VerificationError", message: /2 of 12 checks failed: boot, guest agent$/ });
  match(during.join(" "), /^gold\.qcow2 pim-verify-\S+\.qcow2$/);
  deepStrictEqual([await domains(place), place.files()], [["gold"], ["gold.qcow2"]]);
});

Deno.test("who cancels a verification leaves no instance", async () => {
  await using place = await libvirtPlace(["name: gold"]);
  const abort = new AbortController();
  const cancelled = place.deploy("lab", {
    verifying: await verifyingFor(place, 60_000),
    signal: abort.signal,
    onEvent: (event) => event.type === "verifying" && event.text.startsWith("waiting") && abort.abort(),
  });
  await rejects(cancelled, { name: "CancelledError" });
  const [kept] = await place.deployments();
  deepStrictEqual([kept?.state, kept?.verified, kept?.ids.instance], ["done", undefined, undefined]);
  deepStrictEqual([await domains(place), place.files()], [["gold"], ["gold.qcow2"]]);
});

Deno.test("an instance that a killed pim has left goes with the next one, with a new deployment, or with the deployment", async () => {
  await using place = await libvirtPlace(["name: gold"]);
  const deployment = await place.deploy("lab");
  const target = await place.target("lab");
  const verifying = await verifyingFor(place, 500);
  const kill = async () => {
    let ids: Ids = deployment.ids;
    const opened = target.open(place.tools());
    await opened.startInstance!(place.image, {
      ...{ ids, signal: new AbortController().signal, workDir: place.dir },
      made(more) {
        ids = { ...ids, ...more };
        return Promise.resolve();
      },
    });
    await putDeployment(registryFile(place.paths), { ...deployment, ids });
    strictEqual((await domains(place)).length, 2);
  };
  await kill();
  await rejects(place.deploy("lab", { verifying }), { name: "VerificationError" });
  deepStrictEqual([await domains(place), place.files()], [["gold"], ["gold.qcow2"]]);
  await kill();
  await place.deploy("lab", { force: true });
  match(place.done().join("\n"), /^remove pim-verify-demo-\S+, which an interrupted verification has left$/m);
  deepStrictEqual([await domains(place), place.files()], [["gold"], ["gold.qcow2"]]);
  await kill();
  const [left] = await place.deployments();
  await removeDeployment(left!, target, { paths: place.paths, tools: place.tools() });
  deepStrictEqual([await domains(place), place.files()], [[], []]);
});
