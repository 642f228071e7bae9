/**
 * Does work for several things, some of them at once. After the first failure nothing new is begun; what runs is waited
 * for, and the failure thrown.
 */
export async function atOnce<T>(
  things: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  try {
    for await (const thing of things) {
      if (failures.length > 0) break;
      const task = work(thing).catch((error) => void failures.push(error)).finally(() =>
        running.delete(task)
      );
      running.add(task);
      if (running.size >= limit) await Promise.race(running);
    }
  } finally {
    await Promise.all(running);
  }
  if (failures.length > 0) throw failures[0];
}
