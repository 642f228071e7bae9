import assert from "node:assert/strict";
import { join } from "node:path";
import { DeployError } from "../../../../lib/deploy/deploy_error.ts";
import type { DeployImage } from "../../../../lib/deploy/target.ts";
import { CancelledError } from "../../../../lib/errors.ts";
import { listDeployments } from "../../../../lib/image/deployments.ts";
import { registryFile } from "../../../../lib/paths.ts";
import { run, which } from "../../../../lib/process.ts";
import { type TempDir, tempDir } from "../../../base/temp.ts";
import { answeringProxy } from "./answering_proxy.ts";
import { cuttingProxy } from "./cutting_proxy.ts";
import { deployTo, homePaths, homeTools, ociTarget } from "./deploy_to.ts";
import { type DockerRegistry, dockerRegistry } from "./docker_registry.ts";
import { pushDirectory } from "./push_directory.ts";
import { sampleDisk } from "./sample_disk.ts";
import { strictRegistry } from "./strict_registry.ts";

const ignore = await which("docker-registry") === undefined || await which("skopeo") === undefined;
const mib = 1024 ** 2;

/** The digests that a registry has under a tag, and that all blobs are right (skopeo checks them). */
async function verifiedCopy(reference: string, folder: string): Promise<void> {
  await run(["skopeo", "copy", "--src-tls-verify=false", `docker://${reference}`, `dir:${folder}`]);
}

/** Docker's registry, and a user with an image. */
interface PushPlace {
  readonly registry: DockerRegistry;
  readonly home: TempDir;
  readonly image: DeployImage;
}

/** A test with an image of so many MiB. */
function pushTest(name: string, imageMiB: number, work: (place: PushPlace) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      await using registry = await dockerRegistry();
      await using home = await tempDir();
      await work({ registry, home, image: await sampleDisk(home.path, { mib: imageMiB }) });
    },
  });
}

Deno.test({
  name: "what a registry has spoilt after a cut is sent anew in the same run",
  ignore,
  async fn() {
    await using registry = strictRegistry();
    let spoilt = 0;
    await using answering = answeringProxy(registry.host, (request) => {
      // Small blobs come with their end.
      const ends = request.method === "PUT" && request.url.includes("digest=") &&
        request.headers.get("content-length") === "0";
      return ends && ++spoilt === 1 ? json(400, "DIGEST_INVALID", "another digest") : undefined;
    });
    await using proxy = cuttingProxy(answering.host);
    await using home = await tempDir();
    const image = await sampleDisk(home.path, { mib: 24 });
    proxy.cutAfter("up", 12 * mib);
    await deployTo(home.path, { reference: `${proxy.host}/team/web:x`, chunk_mib: 24 }, image);
    assert.equal(proxy.cuts(), 1);
    assert.ok(spoilt > 1);
    assert.ok(proxy.passed.up > 36 * mib, `${proxy.passed.up} bytes`);
  },
});

for (const layout of ["artifact", "containerdisk"]) {
  Deno.test({
    name: `a connection that is cut at half of a push is gone on from in the same run (${layout})`,
    async fn() {
      await using registry = strictRegistry();
      await using proxy = cuttingProxy(registry.host);
      await using home = await tempDir();
      const image = await sampleDisk(home.path, { mib: 48 });
      proxy.cutAfter("up", 36 * mib);
      const settings = { reference: `${proxy.host}/team/web:x`, layout, chunk_mib: 64 };
      await deployTo(home.path, settings, image);
      assert.equal(proxy.cuts(), 1);
      assert.deepEqual(registry.wrong, []);
      // What had arrived was not sent a second time, but for what was on its way.
      assert.ok(proxy.passed.up < 48 * mib + 4 * mib, `${proxy.passed.up} bytes`);
      await using target = ociTarget(home.path, settings).open(homeTools(home.path));
      const [known] = await listDeployments(registryFile(homePaths(home.path)));
      assert.equal(await target.presence(known!.ids, image.sha256), "there");
    },
  });

  pushTest(
    `a registry that drops what was cut gets the rest of it all the same (${layout})`,
    24,
    async ({ registry, home, image }) => {
      await using proxy = cuttingProxy(registry.host);
      proxy.cutAfter("up", 12 * mib);
      await deployTo(home.path, { reference: `${proxy.host}/team/web:x`, layout, chunk_mib: 24 }, image);
      assert.equal(proxy.cuts(), 1);
      await verifiedCopy(`${registry.host}/team/web:x`, join(home.path, "copy"));
    },
  );
}

pushTest(
  "a push that fails for good is gone on with by the next run",
  72,
  async ({ registry, home, image }) => {
    let refuse = true;
    let pieces = 0;
    await using proxy = answeringProxy(registry.host, (request) => {
      if (request.method !== "PATCH") return undefined;
      return ++pieces > 1 && refuse ? json(403, "DENIED", "the quota is used up") : undefined;
    });
    const settings = { reference: `${proxy.host}/team/web:x`, layout: "containerdisk" };
    await assert.rejects(deployTo(home.path, settings, image), (error) => {
      assert.ok(error instanceof DeployError);
      assert.match(
        error.message,
        /^Cannot deploy web-amd64-\S+ to \S+: .* answered 403 Forbidden \(DENIED: the quota is used up\)$/,
      );
      assert.match(error.hint ?? "", /right to do this/);
      return true;
    });
    refuse = false;
    pieces = 0;
    proxy.requests.length = 0;
    await deployTo(home.path, settings, image);
    assert.match(
      proxy.requests.find((each) => each.startsWith("GET") && each.includes("uploads")) ?? "",
      /^GET/,
    );
    assert.equal(pieces, 1, "the first of two pieces was there");
    await verifiedCopy(`${registry.host}/team/web:x`, join(home.path, "copy"));
  },
);

function json(status: number, code: string, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ errors: [{ code, message }] }, { status, headers });
}

pushTest("an error of the server that passes is waited for", 2, async ({ registry, home, image }) => {
  const failures = [503, 429, 500];
  await using proxy = answeringProxy(registry.host, ({ method }) => {
    const status = method === "PUT" ? failures.shift() : undefined;
    return status === undefined ? undefined : json(status, "UNAVAILABLE", "", { "retry-after": "0" });
  });
  await deployTo(home.path, { reference: `${proxy.host}/team/web:x` }, image);
  assert.deepEqual(failures, []);
  await verifiedCopy(`${registry.host}/team/web:x`, join(home.path, "copy"));
});

pushTest(
  "a registry that takes no pieces gets a layer in one request",
  40,
  async ({ registry, home, image }) => {
    await using proxy = answeringProxy(
      registry.host,
      ({ method }) => method === "PATCH" ? json(405, "UNSUPPORTED", "no") : undefined,
    );
    const settings = { reference: `${proxy.host}/team/web:x`, layout: "containerdisk" };
    await deployTo(home.path, settings, image);
    await verifiedCopy(`${registry.host}/team/web:x`, join(home.path, "copy"));
  },
);

pushTest(
  "no room at the registry is said in plain words, and nothing stands under the tag",
  2,
  async ({ registry, home, image }) => {
    await using proxy = answeringProxy(
      registry.host,
      ({ method }) => method === "PUT" ? new Response("", { status: 413 }) : undefined,
    );
    const settings = { reference: `${proxy.host}/team/web:x` };
    await assert.rejects(deployTo(home.path, settings, image), /answered 413 .*/);
    await using target = ociTarget(home.path, settings).open(homeTools(home.path));
    assert.equal(await target.presence({}, image.sha256), "missing");
    await assert.rejects(verifiedCopy(`${registry.host}/team/web:x`, join(home.path, "copy")));
  },
);

pushTest(
  "a blob that arrives damaged is refused by the registry, and nothing is registered",
  2,
  async ({ registry, home, image }) => {
    await using proxy = answeringProxy(registry.host, ({ method }) => {
      if (method !== "PUT") return undefined;
      return json(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    });
    const failed = deployTo(home.path, { reference: `${proxy.host}/team/web:x` }, image);
    await assert.rejects(failed, /does not have what was sent: the blob should be sha256:/);
  },
);

Deno.test({
  name: "an image that is not what was built is not registered",
  ignore,
  async fn() {
    await using registry = await dockerRegistry();
    await using home = await tempDir();
    for (const layout of ["artifact", "containerdisk"]) {
      const image = { ...await sampleDisk(home.path, { mib: 1 }), sha256: "0".repeat(64) };
      const settings = { reference: `${registry.host}/team/web:x`, layout };
      await assert.rejects(deployTo(home.path, settings, image), /is not what was built/);
      await assert.rejects(verifiedCopy(`${registry.host}/team/web:x`, join(home.path, "copy")));
    }
  },
});

Deno.test({
  name: "a tag that is not ours is not taken without --force",
  ignore,
  async fn() {
    await using registry = await dockerRegistry();
    await using home = await tempDir();
    const image = await sampleDisk(join(home.path, "1"), { mib: 1 });
    const other = await sampleDisk(join(home.path, "2"), { mib: 1, profile: "mail" });
    const settings = { reference: `${registry.host}/team/x:latest` };
    await deployTo(home.path, settings, other);
    await assert.rejects(
      deployTo(home.path, settings, image),
      /x:latest is taken by an image of the profile mail$/,
    );
    await pushDirectory(`${registry.host}/team/y:latest`, join(home.path, "foreign"), undefined, "");
    const taken = deployTo(home.path, { reference: `${registry.host}/team/y:latest` }, image);
    await assert.rejects(taken, /y:latest is taken by something that pim has not put there$/);
    await deployTo(home.path, { reference: `${registry.host}/team/y:latest` }, image, { force: true });
  },
});

pushTest(
  "Ctrl-C in the middle ends a push at once, and the next one is whole",
  24,
  async ({ registry, home, image }) => {
    await using proxy = cuttingProxy(registry.host);
    const held = proxy.holdAfter("up", 12 * mib);
    const stop = new AbortController();
    const settings = { reference: `${proxy.host}/team/web:x`, chunk_mib: 4 };
    const pushing = deployTo(home.path, settings, image, { signal: stop.signal });
    await held;
    stop.abort();
    await assert.rejects(pushing, CancelledError);
    proxy.release();
    await deployTo(home.path, settings, image);
    await verifiedCopy(`${registry.host}/team/web:x`, join(home.path, "copy"));
  },
);

pushTest(
  "what is there is not pushed again, and what was removed there is",
  1,
  async ({ registry, home, image }) => {
    const settings = { reference: `${registry.host}/team/web:x` };
    const { deployment } = await deployTo(home.path, settings, image);
    const again = await deployTo(home.path, settings, image);
    assert.deepEqual(again.events.map(({ type }) => type), ["already"]);
    await using target = ociTarget(home.path, settings).open(homeTools(home.path));
    await target.remove(deployment.ids);
    assert.equal(await target.presence(deployment.ids, image.sha256), "missing");
    await target.remove(deployment.ids);
    assert.ok((await deployTo(home.path, settings, image)).events.length > 1);
    assert.equal(await target.presence(deployment.ids, image.sha256), "there");
    assert.equal((await listDeployments(registryFile(homePaths(home.path)))).length, 1);
  },
);

pushTest(
  "a second push to another tag or repository sends no piece of the image again",
  8,
  async ({ registry, home, image }) => {
    await using proxy = cuttingProxy(registry.host);
    for (const layout of ["artifact", "containerdisk"]) {
      await deployTo(home.path, { reference: `${proxy.host}/team/${layout}:one`, layout }, image, {
        target: layout,
      });
      const before = proxy.passed.up;
      await deployTo(home.path, { reference: `${proxy.host}/team/${layout}:two`, layout }, image, {
        target: `${layout}-two`,
      });
      await deployTo(home.path, { reference: `${proxy.host}/else/${layout}:x`, layout }, image, {
        target: `${layout}-else`,
      });
      assert.ok(proxy.passed.up - before < 64 * 1024, `${proxy.passed.up - before} bytes`);
      await verifiedCopy(`${registry.host}/else/${layout}:x`, join(home.path, layout));
    }
  },
);

Deno.test("who cancels a check of a registry that does not answer has cancelled it", async () => {
  await using home = await tempDir();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    asked.resolve();
    return answer.promise;
  });
  const stop = new AbortController();
  const target = ociTarget(home.path, { reference: `127.0.0.1:${server.addr.port}/team/web:x` });
  await using opened = target.open(homeTools(home.path, { signal: stop.signal }));
  const checking = opened.check();
  await asked.promise;
  stop.abort();
  await assert.rejects(checking, CancelledError);
  answer.resolve(new Response());
});

Deno.test({
  name: "a registry that removes nothing is said to do so",
  ignore,
  async fn() {
    await using registry = await dockerRegistry({ deletes: false });
    await using home = await tempDir();
    const image = await sampleDisk(home.path, { mib: 1 });
    const settings = { reference: `${registry.host}/team/web:x` };
    const { deployment } = await deployTo(home.path, settings, image);
    await using target = ociTarget(home.path, settings).open(homeTools(home.path));
    await assert.rejects(target.remove(deployment.ids), (error) => {
      assert.match(String(error), /does not let manifests be removed/);
      return error instanceof DeployError && /--forget/.test(error.hint ?? "");
    });
  },
});

pushTest(
  "an image that another tag of the repository has, too, is not removed with that tag",
  1,
  async ({ registry, home, image }) => {
    const one = { reference: `${registry.host}/team/web:one` };
    const two = { reference: `${registry.host}/team/web:two` };
    const { deployment } = await deployTo(home.path, one, image, { target: "one" });
    await deployTo(home.path, two, image, { target: "two" });
    await using target = ociTarget(home.path, one).open(homeTools(home.path));
    await assert.rejects(
      target.remove(deployment.ids),
      /cannot take the tag one away alone, and team\/web:two is the same image$/,
    );
    await verifiedCopy(`${registry.host}/team/web:two`, join(home.path, "copy"));
  },
);

pushTest(
  "what was deployed is deployed anew when its target has another reference, tag or layout now",
  1,
  async ({ registry, home, image }) => {
    const reference = `${registry.host}/team/{profile}`;
    for (
      const settings of [
        { reference },
        { reference, tags: ["{profile}-latest"] },
        { reference, tags: ["{profile}-latest"], layout: "containerdisk" },
        { reference: `${registry.host}/other/{profile}:x` },
      ]
    ) {
      const types = async () => (await deployTo(home.path, settings, image)).events.map(({ type }) => type);
      assert.equal((await types()).at(-1), "deployed", JSON.stringify(settings));
      assert.deepEqual(await types(), ["already"], JSON.stringify(settings));
    }
  },
);

pushTest(
  "two targets that lead to one place push the same image there at the same time",
  24,
  async ({ registry, home, image }) => {
    for (const layout of ["artifact", "containerdisk"]) {
      const settings = { reference: `${registry.host}/${layout}/web:x`, layout };
      const pushes = await Promise.allSettled(
        ["one", "two", "three"].map((name) =>
          deployTo(home.path, settings, image, { target: `${layout}-${name}` })
        ),
      );
      assert.deepEqual(pushes.flatMap((each) => each.status === "rejected" ? [each.reason] : []), []);
      await verifiedCopy(`${registry.host}/${layout}/web:x`, join(home.path, layout));
    }
  },
);
