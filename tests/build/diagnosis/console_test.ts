import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { readClue } from "../../../lib/build/diagnosis/clues.ts";
import { isStatusBar, readWaitingScreen } from "../../../lib/build/diagnosis/waiting_screen.ts";
import { debian } from "../../../lib/installer/debian.ts";
import { ubuntu } from "../../../lib/installer/ubuntu.ts";
import { lastSerialLines } from "../../../lib/qemu/serial.ts";

// The ends of real serial logs of Debian's installer, escape sequences and all.
const recorded = join(import.meta.dirname ?? ".", "../../testdata/console");

async function screenOf(name: string): Promise<readonly string[]> {
  const lines = (await lastSerialLines(join(recorded, `${name}.txt`), 25)).split("\n");
  return lines.filter((line) => !isStatusBar(line));
}

Deno.test("a question is read off a real console, whose status bar shows the time below it", async () => {
  deepEqual(readWaitingScreen(await screenOf("language_question")), {
    kind: "question",
    title: "Select a language",
    subject: "Language",
    text: "Choose the language to be used for the installation process. The selected " +
      "language will also be the default language for the installed system. Language:",
  });
});

Deno.test("error dialogs are read off a real console, with or without the word ERROR", async () => {
  const dialog = async (name: string) => {
    const screen = readWaitingScreen(await screenOf(name));
    equal(screen?.kind, "message");
    return [screen?.title, screen?.subject];
  };
  deepEqual(await dialog("no_dhcp"), ["Configure the network", "Network autoconfiguration failed"]);
  deepEqual(await dialog("no_preseed"), [
    "Download debconf preconfiguration file",
    "!! ERROR: Failed to retrieve the preconfiguration file",
  ]);
  deepEqual(await dialog("small_disk"), [
    "Install the demo system from this medium",
    "!! ERROR: The demo system could not be installed",
  ]);
});

Deno.test("an installer that works shows no waiting screen", async () => {
  equal(readWaitingScreen([]), undefined);
  equal(readWaitingScreen(["Configuring the network with DHCP  ... 4%... 100%"]), undefined);
  equal(readWaitingScreen(["[    5.1] Freeing unused kernel memory"]), undefined);
  equal(readWaitingScreen(await screenOf("kernel_panic")), undefined);
  // The answer was given: the prompt is not the last line any more.
  equal(readWaitingScreen([...await screenOf("language_question"), "Loading components ... 3%"]), undefined);
});

Deno.test("prompts are known in other languages by their marks", () => {
  const german = ["Netzwerk einrichten", "-----", "Rechnername:", "Eingabe: '?' für Hilfe, Vorgabe=web> "];
  deepEqual(readWaitingScreen(german)?.subject, "Rechnername");
  equal(
    readWaitingScreen(["Fehler", "-----", "Es ging nicht.", "[Weiter mit Eingabetaste]"])?.kind,
    "message",
  );
});

Deno.test("the status bar is known by its shape, and no other line is", () => {
  ok(isStatusBar("[             (1*installer)  2 shell  3 shell  4- log           ][ Nov 23  6:58 ]"));
  ok(!isStatusBar("[    4.976705] Kernel panic - not syncing: VFS"));
  ok(!isStatusBar("[  OK  ] Started ssh.service [ at 12:30 ] again"));
});

Deno.test("a kernel panic is read off a real console", async () => {
  const clues = (await screenOf("kernel_panic")).map((line) => readClue(line, "install", debian.stopSigns));
  equal(clues.find((clue) => clue !== undefined)?.kind, "kernel-panic");
});

Deno.test("lines that stop a boot are clues while it boots, and mean nothing in an installer", () => {
  const lines = [
    "BdsDxe: No bootable option or device was found.",
    "grub rescue> ",
    "error: no such device: 1234.",
    "ALERT!  UUID=1234 does not exist.  Dropping to a shell!",
    "(initramfs) ",
    'You are in emergency mode. After logging in, type "journalctl -xb"',
  ];
  for (const line of lines) {
    equal(readClue(line, "boot")?.kind, "boot-stopped", line);
    equal(readClue(line, "install", debian.stopSigns), undefined, line);
  }
  equal(readClue("[  OK  ] Reached target multi-user.target", "boot"), undefined);
});

Deno.test("installers' own words are clues of their kinds", () => {
  const kind = (line: string, signs = debian.stopSigns) => readClue(line, "install", signs)?.kind;
  equal(kind("pim: late command failed"), "late-command");
  equal(kind("!! ERROR: Bad archive mirror"), "installer-error");
  equal(kind("tar: write error: No space left on device"), "disk-full");
  equal(kind("Continue with autoinstall? (yes|no)", ubuntu.stopSigns), "installer-question");
});
