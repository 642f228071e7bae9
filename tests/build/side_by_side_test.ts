import { deepEqual, equal } from "node:assert/strict";
import { sideBySide } from "../../lib/build/side_by_side.ts";

/** Work that ends when it is told to. */
function controlled() {
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const begun: string[] = [];
  const work = async (item: string) => {
    begun.push(item);
    const end = Promise.withResolvers<void>();
    ends.set(item, end);
    await end.promise;
  };
  /** Lets everything happen that can. */
  const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
  return { ends, begun, work, settled };
}

Deno.test("at most so many run at a time, and each that ends makes room for the next", async () => {
  const { ends, begun, work, settled } = controlled();
  const { signal } = new AbortController();
  const all = sideBySide(["a", "b", "c"], { jobs: 2, signal }, work);
  await settled();
  deepEqual(begun, ["a", "b"]);
  ends.get("b")?.resolve();
  await settled();
  deepEqual(begun, ["a", "b", "c"]);
  for (const end of ends.values()) end.resolve();
  deepEqual(await all, []);
});

Deno.test("one that fails does not end the others; failures come in the order in which they happened", async () => {
  const { ends, work, settled } = controlled();
  const { signal } = new AbortController();
  const all = sideBySide(["a", "b", "c"], { jobs: 3, signal }, work);
  await settled();
  ends.get("c")?.reject(new Error("third"));
  await settled();
  ends.get("a")?.reject(new Error("first"));
  ends.get("b")?.resolve();
  deepEqual((await all).map(({ item, error }) => [item, (error as Error).message]), [
    ["c", "third"],
    ["a", "first"],
  ]);
});

Deno.test("once aborted nothing more is begun, and what runs is waited for", async () => {
  const { ends, begun, work, settled } = controlled();
  const controller = new AbortController();
  let over = false;
  const all = sideBySide(["a", "b"], { jobs: 1, signal: controller.signal }, work).then(() => over = true);
  await settled();
  controller.abort();
  await settled();
  equal(over, false);
  ends.get("a")?.resolve();
  await all;
  deepEqual(begun, ["a"]);
});
