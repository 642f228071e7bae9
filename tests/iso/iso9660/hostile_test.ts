import assert from "node:assert/strict";
import { join as joinPath } from "node:path";
import { PimError } from "../../../lib/errors.ts";
import { type IsoImage, openIso } from "../../../lib/iso/iso9660/iso9660.ts";
import * as image from "./image_builder.ts";

/** Opens crafted bytes as an image; every test of a hostile one must be over within the deadline. */
async function withImage(
  bytes: Uint8Array,
  work: (iso: IsoImage, dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("it hangs")), 10_000);
  });
  const body = async () => {
    const path = joinPath(dir, "crafted.iso");
    await Deno.writeFile(path, bytes);
    await using iso = await openIso(path);
    await work(iso, dir);
  };
  try {
    await Promise.race([body(), deadline]);
  } finally {
    clearTimeout(timer);
    await Deno.remove(dir, { recursive: true });
  }
}

const pimError = (pattern: RegExp) => (error: unknown) =>
  error instanceof PimError && pattern.test(error.message);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const hello = image.bytesOf("hello");

Deno.test("a file of several extents is one file", async () => {
  const spec = {
    root: [
      { name: "BIG.BIN;1", block: 30, bytes: 2048, flags: 0x80 },
      { name: "BIG.BIN;1", block: 33, bytes: 2048, flags: 0x80 },
      { name: "BIG.BIN;1", block: 31, bytes: 5 },
      { name: "NEXT.;1", block: 31, bytes: 5 },
    ],
    blocks: { 30: new Uint8Array(2048).fill(1), 31: hello, 33: new Uint8Array(2048).fill(2) },
  };
  await withImage(image.buildImage(spec), async (iso, dir) => {
    const expected = image.join(new Uint8Array(2048).fill(1), new Uint8Array(2048).fill(2), hello);
    assert.equal((await iso.stat("big.bin")).bytes, 4101);
    assert.deepEqual(await iso.readFile("big.bin"), expected);
    assert.equal(await iso.extract("big.bin", joinPath(dir, "out")), 4101);
    assert.deepEqual(new Uint8Array(await Deno.readFile(joinPath(dir, "out"))), expected);
    assert.equal(text(await iso.readFile("next")), "hello");
  });
});

Deno.test("a chain of extents without an end is refused", async () => {
  for (
    const root of [
      [{ name: "A.;1", block: 30, bytes: 2048, flags: 0x80 }],
      [{ name: "A.;1", block: 30, bytes: 2048, flags: 0x80 }, { name: "B.;1", block: 31, bytes: 5 }],
    ]
  ) {
    await withImage(image.buildImage({ root }), async (iso) => {
      await assert.rejects(iso.list("/"), pimError(/lacks its last one/));
    });
  }
});

Deno.test("a logical block size below 2048 is understood, and others are refused", async () => {
  const root = [{ name: "A.;1", block: 120, bytes: 5 }];
  const small = image.buildImage({ root, blockBytes: 512, rootBlock: 80, blocks: { 30: hello } });
  await withImage(small, async (iso) => assert.equal(text(await iso.readFile("a")), "hello"));
  const wrong = image.buildImage({ root, blockBytes: 0 });
  await assert.rejects(withImage(wrong, () => Promise.resolve()), pimError(/block size is 0/));
});

Deno.test("files beyond the end, or larger than the whole image, are refused before anything is allocated", async () => {
  const spec = {
    root: [
      { name: "FAR.;1", block: 0xffffffff, bytes: 10 },
      { name: "HUGE.;1", block: 30, bytes: 0xffffffff },
      { name: "CUT.;1", block: 39, bytes: 4000 },
      { name: "OVER.;1", block: 25, bytes: 20_000, flags: 0x80 },
      { name: "OVER.;1", block: 25, bytes: 20_000, flags: 0x80 },
      { name: "OVER.;1", block: 25, bytes: 20_000, flags: 0x80 },
      { name: "OVER.;1", block: 25, bytes: 20_000, flags: 0x80 },
      { name: "OVER.;1", block: 25, bytes: 20_000 },
      { name: "EMPTY.;1", block: 0xffffffff, bytes: 0 },
    ],
  };
  await withImage(image.buildImage(spec), async (iso, dir) => {
    for (const name of ["far", "huge", "cut", "over"]) {
      await assert.rejects(
        iso.readFile(name, { maxBytes: Infinity }),
        pimError(/beyond its end|more than the whole image/),
      );
      await assert.rejects(iso.extract(name, joinPath(dir, "out")), PimError);
    }
    assert.deepEqual([...Deno.readDirSync(dir)].map((each) => each.name), ["crafted.iso"]);
    assert.equal((await iso.readFile("empty")).length, 0);
  });
});

Deno.test("a directory that claims a giant size, or lies beyond the end, is refused", async () => {
  for (
    const [place, pattern] of [
      [{ block: 30, bytes: 0xfffff800 }, /claims to have/],
      [{ block: 30, bytes: 7 * 1024 * 1024 }, /ends at byte/],
      [{ block: 0xfffffff0, bytes: 2048 }, /ends at byte/],
    ] as const
  ) {
    await withImage(image.buildImage({ root: [{ name: "DIR", flags: 2, ...place }] }), async (iso) => {
      await assert.rejects(iso.list("dir"), pimError(pattern));
    });
  }
});

Deno.test("records with impossible lengths are refused", async () => {
  for (
    const claim of [{ claimedLength: 20 }, { claimedLength: 255, name: "A".repeat(30) }, {
      claimedNameLength: 200,
    }, { claimedNameLength: 0 }]
  ) {
    const filler = Array.from(
      { length: 46 },
      (_, index) => ({ name: `F${100 + index}.;1`, block: 30, bytes: 1 }),
    );
    const root = [...filler, { name: "A.;1", block: 30, bytes: 5, ...claim }];
    await withImage(image.buildImage({ root }), async (iso) => {
      await assert.rejects(iso.list("/"), pimError(/impossible length|longer than itself/));
    });
  }
});

Deno.test("names that could lead elsewhere are refused", async () => {
  for (const name of ["..", ".", "a/b", "../../etc/passwd", "a\0b"]) {
    const root = [{ name: "A.;1", block: 30, bytes: 5, systemUse: image.nm(name) }];
    await withImage(image.buildImage({ root, rootSystemUse: image.rockRidge }), async (iso) => {
      assert.equal(iso.naming, "rock-ridge");
      await assert.rejects(iso.list("/"), pimError(/contains a file named/));
    });
  }
  await withImage(image.buildImage({ root: [{ name: "X/Y.;1", block: 30, bytes: 5 }] }), async (iso) => {
    await assert.rejects(iso.list("/"), pimError(/contains a file named "X\/Y"/));
  });
});

Deno.test("a name in several pieces is put together, across a continuation area", async () => {
  const systemUse = image.join(image.nm("first-", 1), image.ce(31, 100, 20));
  const spec = {
    root: [{ name: "A.;1", block: 30, bytes: 5, systemUse }],
    rootSystemUse: image.rockRidge,
    blocks: { 30: hello, 31: image.join(new Uint8Array(100), image.nm("second")) },
  };
  await withImage(image.buildImage(spec), async (iso) => {
    assert.equal(text(await iso.readFile("first-second")), "hello");
  });
});

Deno.test("continuation areas that loop, lie beyond the end or are too long are refused", async () => {
  for (
    const [area, pattern] of [
      [image.ce(31, 0, 28), /form a loop/],
      [image.ce(0xffffff, 0, 28), /ends at byte/],
      [image.ce(31, 0, 0xfffffff), /impossible length/],
      [image.ce(31, 2040, 28), /impossible length/],
    ] as const
  ) {
    const spec = {
      root: [{ name: "A.;1", block: 30, bytes: 5, systemUse: area }],
      rootSystemUse: image.rockRidge,
      blocks: { 31: image.ce(31, 0, 28) },
    };
    await withImage(image.buildImage(spec), async (iso) => {
      await assert.rejects(iso.list("/"), pimError(pattern));
    });
  }
});

Deno.test("directories that contain themselves or their parent end in an error, not in a walk without end", async () => {
  const loop = image.directory({ block: 25, bytes: 2048, flags: 2 }, { block: 20, bytes: 2048, flags: 2 }, [
    { name: "SELF", block: 25, bytes: 2048, flags: 2 },
    { name: "UP", block: 20, bytes: 2048, flags: 2 },
  ]);
  const spec = { root: [{ name: "DIR", block: 25, bytes: 2048, flags: 2 }], blocks: { 25: loop } };
  await withImage(image.buildImage(spec), async (iso) => {
    assert.deepEqual((await iso.list("dir")).map((each) => each.name), ["SELF", "UP"]);
    await assert.rejects(iso.list("dir/self"), pimError(/contains itself/));
    await assert.rejects(iso.find("dir/up/dir/up/x"), pimError(/contains itself/));
    await assert.rejects(iso.find("a/".repeat(5000)), pimError(/too long/));
  });
});

Deno.test("a relocated folder that points at its parent, or at nonsense, is refused", async () => {
  const cl = (block: number) => image.entry("CL", image.both32(block));
  for (
    const [block, pattern] of [[20, /contains itself/], [30, /not where it should be/], [
      1e9,
      /ends at byte/,
    ]] as const
  ) {
    const root = [{ name: "MOVED", block: 30, bytes: 0, systemUse: cl(block) }];
    await withImage(image.buildImage({ root, rootSystemUse: image.rockRidge }), async (iso) => {
      await assert.rejects(iso.list("MOVED"), pimError(pattern));
    });
  }
});

Deno.test("links never lead out of the image, and loops of links end", async () => {
  const link = (name: string, ...to: string[]) => ({
    name: `${name.toUpperCase()}.;1`,
    block: 0,
    bytes: 0,
    systemUse: image.join(image.nm(name), image.sl(...to)),
  });
  const spec = {
    root: [
      link("self", "self"),
      link("grow", "grow", "grow"),
      link("out", "..", "..", "..", "etc", "passwd"),
      link("root", "/", "etc", "passwd"),
      link("up", "..", "..", "file"),
      link("bad"),
      { name: "FILE.;1", block: 30, bytes: 5, systemUse: image.nm("file") },
    ],
    rootSystemUse: image.rockRidge,
    blocks: { 30: hello },
  };
  await withImage(image.buildImage(spec), async (iso) => {
    await assert.rejects(iso.find("self"), pimError(/form a loop/));
    await assert.rejects(iso.find("grow"), pimError(/form a loop|too long/));
    assert.equal(await iso.find("out"), undefined);
    assert.equal(await iso.find("root"), undefined);
    assert.equal(text(await iso.readFile("up")), "hello");
    assert.equal((await iso.stat("bad")).kind, "directory");
  });
});

Deno.test("interleaved and compressed files say why they cannot be read", async () => {
  const zf = image.entry("ZF", new Uint8Array(12));
  const root = [
    { name: "I.;1", block: 30, bytes: 5, interleave: 1, systemUse: image.nm("i") },
    { name: "Z.;1", block: 30, bytes: 5, systemUse: image.join(image.nm("z"), zf) },
  ];
  await withImage(image.buildImage({ root, rootSystemUse: image.rockRidge }), async (iso) => {
    await assert.rejects(iso.readFile("i"), pimError(/interleaved/));
    await assert.rejects(iso.readFile("z"), pimError(/zisofs/));
  });
});

Deno.test("what is no ISO at all is said to be none", async () => {
  const open = (bytes: Uint8Array) => withImage(bytes, () => Promise.resolve());
  await assert.rejects(open(new Uint8Array()), pimError(/too short to be an ISO/));
  await assert.rejects(open(new Uint8Array(1_000_000)), pimError(/no ISO 9660 file system/));
  await assert.rejects(openIso("/no/such.iso"), pimError(/there is no such file/));
  await assert.rejects(openIso(import.meta.dirname as string), pimError(/it is a folder/));
  const endless = image.buildImage({ root: [], sectors: 100 });
  for (let sector = 17; sector < 100; sector++) {
    endless.set(image.join(Uint8Array.of(0), image.bytesOf("CD001")), sector * 2048);
  }
  await open(endless).catch((error) => assert.ok(error instanceof PimError));
});

/** Touches everything an image offers. */
async function readAll(iso: IsoImage, dir: string): Promise<void> {
  let budget = 200;
  async function walk(path: string, depth: number): Promise<void> {
    for (const found of await iso.list(path)) {
      if (budget-- < 0) return;
      const inside = `${path}/${found.name}`;
      const info = await iso.find(inside);
      if (info?.kind === "directory" && depth < 12) await walk(inside, depth + 1);
      if (info?.kind === "file") await iso.readFile(inside, { maxBytes: 1_000_000 });
    }
  }
  await walk("", 0);
  await iso.extract("dir/deep", joinPath(dir, "out"));
}

const fuzzed = image.buildImage({
  rootSystemUse: image.rockRidge,
  root: [
    { name: "DIR", block: 25, bytes: 2048, flags: 2, systemUse: image.nm("dir") },
    {
      name: "A.;1",
      block: 30,
      bytes: 2048,
      flags: 0x80,
      systemUse: image.join(image.nm("long", 1), image.ce(31, 0, 11)),
    },
    { name: "A.;1", block: 32, bytes: 9 },
    { name: "L.;1", block: 0, bytes: 0, systemUse: image.join(image.nm("l"), image.sl("dir", "deep")) },
  ],
  blocks: {
    25: image.directory({ block: 25, bytes: 2048, flags: 2 }, { block: 20, bytes: 2048, flags: 2 }, [
      { name: "DEEP.;1", block: 30, bytes: 5, systemUse: image.nm("deep") },
    ]),
    30: hello,
    31: image.nm("-name"),
  },
  sectors: 34,
});

Deno.test("the image that is fuzzed is sound before that", async () => {
  await withImage(fuzzed, readAll);
});

Deno.test("an image with any bytes changed gives its files or a PimError, soon and nowhere else", async () => {
  // A small generator with a fixed seed, so that a failure can be seen again.
  let state = 12345;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
  // Only blocks that carry structure are worth changing.
  const targets = [16, 20, 25, 31].flatMap((block) =>
    Array.from({ length: 300 }, (_, at) => block * 2048 + at)
  );
  for (let round = 0; round < 400; round++) {
    const bytes = fuzzed.slice();
    for (let change = 0; change <= round % 5; change++) {
      const at = targets[random(targets.length)] ?? 0;
      bytes[at] = [0, 1, 0xff, 0x80, random(256)][random(5)] ?? 0;
    }
    try {
      await withImage(bytes, readAll);
    } catch (error) {
      assert.ok(error instanceof PimError, `round ${round}: ${error}`);
    }
  }
});

Deno.test("an image cut off anywhere gives a PimError, or only files that are whole", async () => {
  for (let length = 0; length < fuzzed.length; length += 1021) {
    try {
      await withImage(fuzzed.subarray(0, length), readAll);
      assert.ok(length > 32 * 2048, `nothing was missed at ${length} bytes`);
    } catch (error) {
      assert.ok(error instanceof PimError, `at ${length} bytes: ${error}`);
    }
  }
});
