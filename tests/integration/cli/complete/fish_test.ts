import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../../../lib/files.ts";
import { type CompletingUser, completingUser, image, trap } from "../../../cli/complete/completing_user.ts";

/** What fish proposes for a line, with descriptions after a tab. */
async function proposals(user: CompletingUser, line: string): Promise<string[]> {
  const script = "source ../pim.fish; complete -C $argv[1]";
  const { stdout, stderr } = await user.run(["fish", "--no-config", "-c", script, line], { env: user.env });
  assert.equal(stderr, "", line);
  return stdout.split("\n").filter((each) => each !== "");
}

async function fishUser(more: Readonly<Record<string, string>> = {}): Promise<CompletingUser> {
  const user = await completingUser(more);
  await user.write("pim.fish", (await user.pim("completion", "fish")).stdout);
  return user;
}

Deno.test("fish proposes commands, flags and names, with descriptions", async () => {
  await using user = await fishUser();
  for (
    const [line, proposed] of [
      ["pim bui", ["build\tBuild images and look after them"]],
      ["pim build run --dr", ["--dry-run\tPrint what would be done, and do nothing"]],
      ["pim build run web", ["web", "web db"]],
      ['pim build run "web d', ["web db"]],
      ["pim build run a", [trap]],
      ["pim target show it", ["it's: odd"]],
      ["pim deploy show lab/", [`lab/${image}`]],
      ["pim iso show deb", ["debian-13-amd64-netinst"]],
      ["pim run --disk=ov", ["--disk=overlay"]],
      ["pim run --user-data dis", ["disk.qcow2"]],
      ["pim run --user-data=dis", ["--user-data=disk.qcow2"]],
      ["pim run --ssh-key folder/my", ["folder/my key.pub"]],
      ["pim --project fol", ["folder/"]],
      [`${user.path}/bin/pim bui`, ["build\tBuild images and look after them"]],
      ["./none/pim bui", []],
      ["pim zzz", []],
    ] as const
  ) assert.deepEqual(await proposals(user, line), proposed, line);
  assert.equal(await exists(join(user.path, "work", "trapped")), false, "a name was evaluated");
});

Deno.test("fish tells of no mistake in a configuration", async () => {
  await using user = await fishUser({ "config/pim/pim.yml": "build: [\n" });
  assert.deepEqual(await proposals(user, "pim build run w"), []);
  assert.deepEqual(await proposals(user, "pim build ru"), [
    "run\tBuild images: install from the ISO, provision, register",
  ]);
});
