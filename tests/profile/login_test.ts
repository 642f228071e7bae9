import assert from "node:assert/strict";
import { loginWarning } from "../../lib/profile/login.ts";

Deno.test("who can log in by a key or a password is not warned of", () => {
  for (
    const profile of [{ password: "x" }, { passwordHash: "$6$x" }, { sshAuthorizedKeys: ["ssh-ed25519 A"] }]
  ) {
    assert.equal(loginWarning("web", profile), undefined);
  }
});

Deno.test("a profile with no way in is told with what gives one", () => {
  for (const profile of [{}, { password: "" }, { sshAuthorizedKeys: [] }]) {
    assert.match(loginWarning("web", profile) ?? "", /nobody will be able.*\nhint: .*pim run web --ssh-key/);
  }
});
