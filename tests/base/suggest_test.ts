import assert from "node:assert/strict";
import { didYouMean, nearest } from "../../lib/suggest.ts";

Deno.test("a slip of the finger finds the name that was meant", () => {
  const known = ["developer", "default", "server"];
  assert.equal(nearest("develper", known), "developer");
  assert.equal(nearest("Server", known), "server");
  assert.equal(nearest("defualt", known), "default");
});

Deno.test("the beginning of one known name finds it, the beginning of two finds none", () => {
  assert.equal(nearest("user", ["username", "password"]), "username");
  assert.equal(nearest("mirror", ["mirrorHostName", "mirrorDirectory"]), undefined);
});

Deno.test("a name that resembles nothing finds nothing", () => {
  assert.equal(nearest("zzz", ["developer", "server"]), undefined);
  assert.equal(nearest("x", ["ab"]), undefined);
  assert.equal(nearest("anything", []), undefined);
});

Deno.test("without a near name everything there is gets listed, or what to do when there is nothing", () => {
  assert.equal(didYouMean("sever", ["server"], "none"), "Did you mean server?");
  assert.equal(didYouMean("zzz", ["server", "base"], "none"), "There is: base, server");
  const many = Array.from({ length: 23 }, (_, index) => `vm-${String(index).padStart(2, "0")}`);
  assert.match(didYouMean("zzzzzz", many, "none"), /^There is: vm-00, .*, vm-19, and 3 more$/);
  assert.equal(didYouMean("zzz", [], "Make one with: pim init"), "Make one with: pim init");
});
