import { equal, match } from "node:assert/strict";
import { checkMemory, judgeRuntime } from "../../lib/doctor/pim.ts";
import { version } from "../../lib/version.ts";
import { patient } from "./patient.ts";

Deno.test("a Deno that is new enough is named, and so is a compiled binary", () => {
  for (const deno of ["2.9.0", "2.9.6", "2.10.0", "3.0.0"]) {
    equal(judgeRuntime({ standalone: false, deno }).result, "ok", deno);
  }
  const compiled = judgeRuntime({ standalone: true, deno: "2.9.6" });
  equal(compiled.detail, `${version}, compiled (Deno 2.9.6)`);
  equal(compiled.result, "ok");
});

Deno.test("an older Deno is told with how to get a newer one", () => {
  for (const deno of ["1.46.3", "2.8.9"]) {
    const { result, fix } = judgeRuntime({ standalone: false, deno });
    equal(result, "warning", deno);
    match(fix ?? "", /^deno upgrade/);
  }
});

Deno.test("a binary made with a Deno that reads no TypeScript from disk says so", () => {
  equal(judgeRuntime({ standalone: true, deno: "2.8.2" }).result, "ok");
  const old = judgeRuntime({ standalone: true, deno: "2.8.1" });
  equal(old.result, "warning");
  match(old.detail, /profiles in TypeScript cannot be loaded/);
});

Deno.test("memory is enough for a build's machine, or the setting is named that wants so much", async () => {
  await using small = await patient({ "config/pim/pim.yml": "build: {memory: 64}\n" });
  const [fits] = await checkMemory(small.context);
  equal(fits?.result, "ok");
  await using large = await patient({ "config/pim/pim.yml": "build: {memory: 99999G}\n" });
  const [lacks] = await checkMemory(large.context);
  equal(lacks?.result, "warning");
  match(lacks?.detail ?? "", /but a build's machine has 97\.7 TiB \(build\.memory\)$/);
});
