import assert from "node:assert/strict";
import { deploymentOutput } from "../../lib/deploy/output.ts";
import type { Deployment } from "../../lib/image/deployment.ts";

function deployment(day: number, more: Partial<Deployment> = {}): Deployment {
  const image = `web-amd64-2026010${day}T000000Z`;
  return {
    ...{
      id: `lab/${image}`,
      target: "lab",
      type: "file",
      image,
      sha256: `${day}`.repeat(64),
      where: `/srv/${day}`,
    },
    ...{ ids: { path: `/srv/${day}` }, state: "done", time: `2026-01-0${day}T00:00:00Z` },
    ...more,
  };
}

Deno.test("references lead to the newest deployment that is finished and was not found wrong", () => {
  const time = "2026-01-09T00:00:00Z";
  const all = [
    deployment(1),
    deployment(2, { verified: { ok: true, time } }),
    deployment(3, { verified: { ok: false, time } }),
    deployment(4, { state: "unfinished" }),
  ];
  const { image, where, sha256, ids } = all[1]!;
  const expected = { lab: { "web-amd64": { image, where, sha256, ids } } };
  assert.deepEqual(JSON.parse(deploymentOutput(all, "json")), expected);
  assert.deepEqual(JSON.parse(deploymentOutput(all, "tfvars")), { pim_images: expected });
  assert.deepEqual(JSON.parse(deploymentOutput([], "json")), {});
});
