import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../../../lib/files.ts";
import { type CompletingUser, completingUser, image } from "../../../cli/complete/completing_user.ts";
import { type TypedShell, typeInShell } from "./typed_shell.ts";

/** What has to come out of any bash. */
async function completesLines(shell: TypedShell, user: CompletingUser): Promise<void> {
  for (
    const [typed, completed] of [
      ["pim bui", "pim build "],
      ["pim build run --dr", "pim build run --dry-run "],
      ["pim build run web\\ ", "pim build run web\\ db "],
      ["pim build run 'web d", "pim build run 'web db'"],
      ['pim build run "web d', 'pim build run "web db"'],
      ["pim build run a", "pim build run a\\$\\(touch\\ trapped\\)\\`touch\\ trapped\\`\\;b "],
      ["pim target show it", "pim target show it\\'s:\\ odd "],
      ['pim target show "it', 'pim target show "it\'s: odd"'],
      ["pim target show it\\'s:", "pim target show it\\'s:\\ odd "],
      ["pim deploy show lab/", `pim deploy show lab/${image} `],
      ["pim iso show deb", "pim iso show debian-13-amd64-netinst "],
      ["pim run --disk=ov", "pim run --disk=overlay "],
      ["pim run --user-data dis", "pim run --user-data disk.qcow2 "],
      ["pim run --user-data=dis", "pim run --user-data=disk.qcow2 "],
      ["pim run --ssh-key folder/my", "pim run --ssh-key folder/my\\ key.pub "],
      ["pim --project fol", "pim --project folder/"],
      ["true && pim bui", "true && pim build "],
      [`${user.path}/bin/pim bui`, `${user.path}/bin/pim build `],
      ["~/bin/pim bui", "~/bin/pim build "],
      ["~/bin/none/pim bui", "~/bin/none/pim bui"],
      ["pim zzz", "pim zzz"],
    ] as const
  ) assert.equal(await shell.complete(typed), completed);
  assert.equal(await exists(join(user.path, "work", "trapped")), false, "a name was evaluated");
}

Deno.test("bash completes pim's lines by the script alone", async () => {
  await using user = await completingUser();
  await using shell = await typeInShell("bash", user, ["source <(pim completion bash)"]);
  await completesLines(shell, user);
});

Deno.test("bash completes an alias, as the README has it", async () => {
  await using user = await completingUser();
  await using shell = await typeInShell("bash", user, [
    `alias pim='${user.argv.join(" ")}'`,
    "PATH=/usr/bin:/bin",
    "source <(pim completion bash)",
  ]);
  assert.equal(await shell.complete("pim build run web\\ "), "pim build run web\\ db ");
});

Deno.test("bash-completion finds the script where pim says that it looks", async () => {
  await using user = await completingUser();
  const { stdout } = await user.pim("completion", "bash");
  // $XDG_DATA_HOME, which is ~/.local/share unless it is set.
  await user.write("data/bash-completion/completions/pim", stdout);
  await using shell = await typeInShell("bash", user, ["source /usr/share/bash-completion/bash_completion"]);
  assert.equal(await shell.complete("pim build run web\\ "), "pim build run web\\ db ");
  assert.equal(await shell.complete("pim run --disk=ov"), "pim run --disk=overlay ");
  assert.equal(await shell.complete("pim target show it\\'s:"), "pim target show it\\'s:\\ odd ");
});

Deno.test("several names are shown, and the line goes on as far as they agree", async () => {
  await using user = await completingUser();
  await using shell = await typeInShell("bash", user, ["source <(pim completion bash)"]);
  assert.equal(await shell.complete("pim build run w"), "pim build run web");
  await shell.pty.type("pim iso \t\t");
  await shell.pty.see(/download[^]*verify/);
});

Deno.test("no mistake in a configuration is told in the middle of a line", async () => {
  await using user = await completingUser({ "config/pim/pim.yml": "build: [\n" });
  await using shell = await typeInShell("bash", user, ["source <(pim completion bash)"]);
  assert.equal(await shell.complete("pim build run w"), "pim build run w");
  assert.equal(await shell.complete("pim bui"), "pim build ");
  assert.doesNotMatch(shell.pty.screen(), /error|pim\.yml/);
});
