/** What failed, and how. */
export interface Failure<Item> {
  readonly item: Item;
  readonly error: unknown;
}

/**
 * Does work for each item, for at most `jobs` of them at a time, and returns the failures in the order in which they
 * came. One that fails does not end the others; nothing more is begun once the signal is aborted.
 */
export async function sideBySide<Item>(
  items: readonly Item[],
  { jobs, signal }: { readonly jobs: number; readonly signal: AbortSignal },
  work: (item: Item) => Promise<void>,
): Promise<Failure<Item>[]> {
  const failures: Failure<Item>[] = [];
  // One iterator for all: each worker takes the next item that nobody has taken.
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) {
      if (signal.aborted) return;
      await work(item).catch((error) => failures.push({ item, error }));
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, items.length) }, worker));
  return failures;
}
