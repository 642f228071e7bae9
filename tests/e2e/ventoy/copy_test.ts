import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../../lib/files.ts";
import { existsSync } from "node:fs";
import { isMounted, named, noDisks } from "./loop_disk.ts";
import { bytes, type StickUser, stickUser } from "./stick_user.ts";
import { ventoyProblems } from "../../ventoy/ventoy_json_rules.ts";

function diskTest(name: string, fn: (user: StickUser) => Promise<void>): void {
  Deno.test({
    name: named(name),
    ignore: noDisks !== undefined,
    async fn() {
      await using user = await stickUser();
      await fn(user);
    },
  });
}

interface Report {
  readonly isos: readonly { readonly key: string; readonly action: string; readonly why: string }[];
  readonly answers: readonly { readonly profile: string; readonly file: string }[];
  readonly proof: string;
}

/** Runs `pim ventoy copy --json`, which has to succeed. */
async function copy(user: StickUser, device: string, ...args: string[]): Promise<Report> {
  const { code, stdout, stderr } = await user.pim("ventoy", "copy", device, "--json", ...args);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Report;
}

diskTest("a stick gets ISOs and answer files, and a second copy copies nothing", async (user) => {
  const iso = bytes(3_000_001);
  await user.addIso("deb", iso);
  await user.addIso("tools", bytes(70_000, 9));
  await using stick = await user.stick(100);
  const first = await copy(user, stick.path, "--profile", "web", "--iso", "tools");
  assert.deepEqual(first.isos.map(({ key, action }) => [key, action]), [["deb", "copy"], ["tools", "copy"]]);
  assert.equal(first.proof, "remounted");
  assert.deepEqual(first.answers, [{ profile: "web", iso: "deb", file: "/pim/web/deb.preseed.cfg" }]);
  assert.ok(!await isMounted(stick.path));

  // What killed copies may have left.
  await user.within(stick, async (folder) => {
    await Deno.writeTextFile(join(folder, "tools.iso.pim-part"), "x");
    await Deno.writeTextFile(join(folder, "pim/web/.deb.preseed.cfg.0123abcd.part"), "x");
    await Deno.writeTextFile(join(folder, "ventoy/.ventoy.json.0123abcd.part"), "x");
  });
  const second = await copy(user, stick.path, "--profile", "web", "--profile", "db", "--iso", "tools");
  assert.deepEqual(second.isos.map(({ action, why }) => [action, why]), [
    ["keep", "unchanged"],
    ["keep", "unchanged"],
  ]);
  assert.equal(second.proof, "nothing copied");

  await user.within(stick, async (folder) => {
    assert.deepEqual(await Deno.readFile(join(folder, "deb.iso")), iso);
    const json = await Deno.readTextFile(join(folder, "ventoy/ventoy.json"));
    assert.deepEqual(ventoyProblems(json, (path) => existsSync(join(folder, path))), []);
    assert.deepEqual(JSON.parse(json), {
      auto_install: [{
        image: "/deb.iso",
        template: ["/pim/web/deb.preseed.cfg", "/pim/db/deb.preseed.cfg"],
      }],
      menu_alias: [
        { image: "/deb.iso", alias: "ISO deb: installs web or db" },
        { image: "/tools.iso", alias: "ISO tools" },
      ],
    });
    const preseed = await Deno.readTextFile(join(folder, "pim/web/deb.preseed.cfg"));
    assert.ok(!preseed.includes("geheim99") && /user-password-crypted password \$6\$/.test(preseed));
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["deb.iso", "pim", "tools.iso", "ventoy"]);
    const inside = ["pim/web", "ventoy"].flatMap((name) => [...Deno.readDirSync(join(folder, name))]);
    assert.deepEqual(inside.map(({ name }) => name), ["deb.preseed.cfg", "ventoy.json"]);
  });
});

diskTest("copy warns of the secrets on a stick and of what booting it does", async (user) => {
  await user.addIso("deb", bytes(5000));
  await using stick = await user.stick(100);
  const { stdout, stderr } = await user.pim("ventoy", "copy", stick.path, "--profile", "web");
  assert.match(stdout, /^copied {2}deb\.iso {2}\(it is not on the stick\)\nwrote .*preseed\.cfg/);
  assert.match(
    stderr,
    /password hashes and keys[^]*deb\.iso booted from it erases a disk of that machine and installs web/,
  );
  assert.match(stderr, /read back from the stick after it was mounted anew/);
});

diskTest(
  "an ISO that changed is copied again; one that only looks different is read; --full reads all",
  async (user) => {
    await user.addIso("deb", bytes(500_000));
    await using stick = await user.stick(100);
    await copy(user, stick.path, "--iso", "deb");
    const act = async (...args: string[]) =>
      (await copy(user, stick.path, "--iso", "deb", ...args)).isos[0]?.why;
    const old = new Date("2020-02-03T04:05:06Z");
    await user.within(stick, (folder) => Deno.utime(join(folder, "deb.iso"), old, old));
    assert.equal(await act(), "its content is the same");
    assert.equal(await act(), "unchanged");

    // Without its record, pim finds out by reading what is its own.
    await user.within(stick, (folder) => Deno.writeTextFile(join(folder, "pim/stick.json"), "{"));
    assert.equal(await act(), "its content is the same");

    // Spoilt without a trace: only reading finds it.
    await user.within(stick, async (folder) => {
      const { mtime } = await Deno.stat(join(folder, "deb.iso"));
      using file = await Deno.open(join(folder, "deb.iso"), { write: true });
      await file.write(new Uint8Array([255, 255, 255]));
      await file.utime(mtime as Date, mtime as Date);
    });
    assert.equal(await act(), "unchanged");
    assert.equal(await act("--full"), "its content differs");
    await user.addIso("deb", bytes(600_000, 2));
    assert.equal(await act(), "its size differs");
  },
);

diskTest(
  "an ISO that has another file name now takes the place of the one that pim had put there",
  async (user) => {
    const path = await user.addIso("deb", bytes(5000));
    await using stick = await user.stick(100);
    await copy(user, stick.path, "--profile", "web");
    const newer = `deb: { url: "${path}", filename: "deb-2.iso", architecture: amd64 }\n`;
    await user.write("config/pim/isos.d/deb.yml", newer);
    await copy(user, stick.path, "--profile", "web");
    await user.within(stick, async (folder) => {
      assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
        "deb-2.iso",
        "pim",
        "ventoy",
      ]);
      const { auto_install: [entry] } = JSON.parse(
        await Deno.readTextFile(join(folder, "ventoy/ventoy.json")),
      );
      assert.equal(entry.image, "/deb-2.iso");
    });
  },
);

diskTest(
  "files of others stay: an ISO with the same name is not replaced, ventoy.json is merged and kept",
  async (user) => {
    await user.addIso("deb", bytes(5000));
    await using stick = await user.stick(100);
    const theirs =
      '{"theme": {"file": "/t.txt"}, "auto_install": [{"image": "/win.iso", "template": "/win.xml"}]}';
    await user.within(stick, async (folder) => {
      await Deno.writeFile(join(folder, "deb.iso"), bytes(5000, 77));
      await Deno.mkdir(join(folder, "ventoy"));
      await Deno.writeTextFile(join(folder, "ventoy/ventoy.json"), theirs);
    });
    const refused = await user.pim("ventoy", "copy", stick.path, "--profile", "web");
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /deb\.iso is on the stick already; its content differs from deb, and pim did not/,
    );
    await user.within(stick, async (folder) => {
      assert.equal(await Deno.readTextFile(join(folder, "ventoy/ventoy.json")), theirs);
      await Deno.remove(join(folder, "deb.iso"));
    });
    await copy(user, stick.path, "--profile", "web");
    await user.within(stick, async (folder) => {
      const json = JSON.parse(await Deno.readTextFile(join(folder, "ventoy/ventoy.json")));
      assert.deepEqual(json.theme, { file: "/t.txt" });
      assert.deepEqual(json.auto_install.map(({ image }: { image: string }) => image), [
        "/win.iso",
        "/deb.iso",
      ]);
      assert.equal(await Deno.readTextFile(join(folder, "ventoy/ventoy.json.before-pim")), theirs);
    });
  },
);

diskTest("a ventoy.json that cannot be read stops the copy before anything is written", async (user) => {
  await user.addIso("deb", bytes(5000));
  await using stick = await user.stick(100);
  await user.within(stick, async (folder) => {
    await Deno.mkdir(join(folder, "ventoy"));
    await Deno.writeTextFile(join(folder, "ventoy/ventoy.json"), "{ broken");
  });
  const { code, stderr } = await user.pim("ventoy", "copy", stick.path, "--profile", "web");
  assert.equal(code, 2);
  assert.match(stderr, /ventoy\.json cannot be read: [^]*Nothing was written/);
  await user.within(stick, async (folder) => {
    assert.deepEqual([await exists(join(folder, "deb.iso")), await exists(join(folder, "pim"))], [
      false,
      false,
    ]);
  });
});

diskTest("a stick that is mounted already is used where it is, and stays mounted", async (user) => {
  await user.addIso("deb", bytes(5000));
  await using stick = await user.stick(100);
  await user.within(stick, async (folder) => {
    assert.equal((await copy(user, stick.path, "--iso", "deb")).proof, "cache dropped");
    assert.equal((await copy(user, folder, "--iso", "deb")).isos[0]?.action, "keep");
    const status = JSON.parse((await user.pim("ventoy", "status", folder, "--json")).stdout);
    assert.deepEqual([status.device, status.isos[0].state], [folder, "unchanged"]);
    assert.ok(await isMounted(stick.path));
  });
});

diskTest(
  "status tells ours from foreign, changed and missing, and what is wrong with ventoy.json",
  async (user) => {
    await user.addIso("deb", bytes(5000));
    await user.addIso("tools", bytes(6000));
    await using stick = await user.stick(100);
    await copy(user, stick.path, "--profile", "web", "--iso", "tools");
    const look = async (...args: string[]) => {
      const { code, stdout, stderr } = await user.pim("ventoy", "status", stick.path, "--json", ...args);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const before = await look("--full");
    assert.deepEqual([before.version, before.problems, before.partitions.data], [
      "1.1.18",
      [],
      stick.partition(1),
    ]);
    await user.within(stick, async (folder) => {
      await Deno.writeTextFile(join(folder, "other.iso"), "x");
      await Deno.remove(join(folder, "tools.iso"));
      await Deno.writeTextFile(join(folder, "pim/web/deb.preseed.cfg"), "mine");
      await Deno.writeTextFile(
        join(folder, "ventoy/ventoy.json"),
        '{"auto_install": [{"image": "/x", "template": "/none"}]}',
      );
    });
    const after = await look();
    assert.deepEqual(after.isos.map(({ file, state }: Record<string, string>) => [file, state]), [
      ["deb.iso", "unchanged"],
      ["tools.iso", "missing"],
      ["other.iso", "foreign"],
    ]);
    assert.deepEqual(after.answers.map(({ state }: Record<string, string>) => state), ["changed"]);
    assert.deepEqual(after.problems, [
      "auto_install does not offer /pim/web/deb.preseed.cfg for /deb.iso",
      "auto_install names /none, which is not there",
    ]);
    const { stdout } = await user.pim("ventoy", "status", stick.path);
    assert.match(stdout, /deb\.iso +4\.88 KiB +deb +unchanged/);
    assert.ok(!await isMounted(stick.path));
  },
);

diskTest("what cannot be copied is told before a stick is touched", async (user) => {
  await user.addIso("deb", bytes(5000));
  await user.addIso("deb2", bytes(5000));
  await using stick = await user.stick(100);
  const said = async (...args: string[]) => {
    const { code, stderr } = await user.pim("ventoy", "copy", ...args);
    assert.equal(code, 2, stderr);
    return stderr;
  };
  assert.match(await said(stick.path), /What shall be copied\?/);
  assert.match(await said(stick.path, "--profile", "webb"), /There is no profile webb[^]*Did you mean web\?/);
  assert.match(
    await said(stick.path, "--iso", "debb"),
    /No ISO in the catalog is called debb[^]*Did you mean deb/,
  );
  assert.match(await said(stick.path, "--profile", "none"), /Profile none names no ISO/);
  await user.write("config/pim/profiles.d/WEB.ts", 'export default { iso: "deb", installer: "debian" };\n');
  assert.match(await said(stick.path, "--profile", "web", "--profile", "WEB"), /would have the same folder/);
  assert.match(await said("/dev/null", "--iso", "deb"), /is no block device/);
  assert.match(await said(user.path, "--iso", "deb"), /it is a folder, and nothing is mounted there/);
  await user.write(
    "config/pim/isos.d/deb2.yml",
    `deb2: { url: "${user.path}/data/deb2.iso", filename: "DEB.iso", architecture: amd64 }\n`,
  );
  assert.match(await said(stick.path, "--iso", "deb", "--iso", "deb2"), /would both be/);
  await user.write(
    "config/pim/isos.d/deb2.yml",
    `deb2: { url: "${user.path}/data/deb2.iso", filename: "a:b.iso", architecture: amd64 }\n`,
  );
  assert.match(await said(stick.path, "--iso", "deb2"), /exFAT takes no ":"/);
});
