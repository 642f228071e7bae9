import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../../../lib/files.ts";
import { completingUser, image } from "../../../cli/complete/completing_user.ts";
import { typeInShell } from "./typed_shell.ts";

const compinit = "autoload -Uz compinit; compinit -u -D";

Deno.test("zsh completes pim's lines by the script alone", async () => {
  await using user = await completingUser();
  await using shell = await typeInShell("zsh", user, [compinit, "source <(pim completion zsh)"]);
  for (
    const [typed, completed] of [
      ["pim bui", "pim build "],
      ["pim build run --dr", "pim build run --dry-run "],
      ["pim build run web\\ ", "pim build run web\\ db "],
      ["pim build run 'web d", "pim build run 'web db' "],
      ["pim build run a", "pim build run a\\$\\(touch\\ trapped\\)\\`touch\\ trapped\\`\\;b "],
      ["pim target show it", "pim target show it\\'s:\\ odd "],
      ["pim deploy show lab/", `pim deploy show lab/${image} `],
      ["pim iso show deb", "pim iso show debian-13-amd64-netinst "],
      ["pim run --disk=ov", "pim run --disk=overlay "],
      ["pim run --user-data dis", "pim run --user-data disk.qcow2 "],
      ["pim run --user-data=dis", "pim run --user-data=disk.qcow2 "],
      ["pim run --ssh-key folder/my", "pim run --ssh-key folder/my\\ key.pub "],
      ["pim --project fol", "pim --project folder/"],
      [`${user.path}/bin/pim bui`, `${user.path}/bin/pim build `],
      ["~/bin/pim bui", "~/bin/pim build "],
      ["pim zzz", "pim zzz"],
    ] as const
  ) assert.equal((await shell.complete(typed)).trimEnd(), completed.trimEnd());
  assert.equal(await exists(join(user.path, "work", "trapped")), false, "a name was evaluated");
  await shell.pty.type("pim iso pr\t\x18");
  await shell.pty.see(/\[\[pim iso prune \]\]/);
  await shell.pty.type("\x15pim build l\t");
  await shell.pty.see(/layers +-- List the layers that builds have kept/);
});

Deno.test("zsh finds the script in a folder of fpath", async () => {
  await using user = await completingUser();
  await user.write("functions/_pim", (await user.pim("completion", "zsh")).stdout);
  await using shell = await typeInShell("zsh", user, [`fpath=('${user.path}/functions' $fpath)`, compinit]);
  assert.equal(await shell.complete("pim build run web\\ "), "pim build run web\\ db ");
  assert.equal(await shell.complete("pim bui"), "pim build ");
});

Deno.test("zsh completes an alias, and tells of no mistake in a configuration", async () => {
  await using user = await completingUser({ "config/pim/pim.yml": "build: [\n" });
  await using shell = await typeInShell("zsh", user, [
    compinit,
    "setopt complete_aliases",
    `alias pim='${user.argv.join(" ")}'`,
    "path=(/usr/bin /bin)",
    "source <(pim completion zsh)",
  ]);
  assert.equal(await shell.complete("pim bui"), "pim build ");
  assert.equal(await shell.complete("pim build run w"), "pim build run w");
  assert.doesNotMatch(shell.pty.screen(), /error|pim\.yml/);
});
