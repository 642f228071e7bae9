import assert from "node:assert/strict";
import { join } from "node:path";
import { which } from "../../../lib/process.ts";
import { tempDir } from "../../base/temp.ts";
import { dockerRegistry } from "./docker_registry.ts";
import { sampleDisk } from "./sample_disk.ts";
import { deployTo } from "./deploy_to.ts";

const ignore = await which("docker-registry") === undefined || await which("skopeo") === undefined;

Deno.test(
  { name: "an artifact is in the registry piece by piece, and skopeo gets the same bytes", ignore },
  async () => {
    await using registry = await dockerRegistry();
    await using home = await tempDir();
    const image = await sampleDisk(home.path);
    const reference = `${registry.host}/team/{profile}:{name}`;
    const { deployment } = await deployTo(home.path, { reference, chunk_mib: 1 }, image);
    assert.equal(deployment.where, `${registry.host}/team/web:${image.entry.name}`);
    const copy = join(home.path, "copy");
    const skopeo = await new Deno.Command("skopeo", {
      args: ["copy", "--src-tls-verify=false", `docker://${deployment.where}`, `dir:${copy}`],
    }).output();
    console.log(new TextDecoder().decode(skopeo.stderr));
    assert.equal(skopeo.code, 0);
  },
);
