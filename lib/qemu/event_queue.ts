/** A listener's own queue: what is pushed is kept until it is read, so that nobody waits for a slow reader. */
export interface EventQueue<T> extends AsyncIterableIterator<T, undefined>, AsyncDisposable {
  push(value: T): void;
  /** Ends the queue: what is in it is still read. */
  end(): void;
  return(): Promise<IteratorReturnResult<undefined>>;
}

/** Makes an empty queue. */
export function eventQueue<T>(onReturn: (queue: EventQueue<T>) => void): EventQueue<T> {
  const values: T[] = [];
  const waiting: ((result: IteratorResult<T, undefined>) => void)[] = [];
  let ended = false;
  const queue: EventQueue<T> = {
    push(value) {
      if (ended) return;
      const reader = waiting.shift();
      if (reader) reader({ value, done: false });
      else values.push(value);
    },
    end() {
      ended = true;
      for (const reader of waiting.splice(0)) reader({ value: undefined, done: true });
    },
    next() {
      if (values.length > 0) return Promise.resolve({ value: values.shift() as T, done: false });
      if (ended) return Promise.resolve({ value: undefined, done: true });
      return new Promise((resolve) => waiting.push(resolve));
    },
    return() {
      values.length = 0;
      queue.end();
      onReturn(queue);
      return Promise.resolve({ value: undefined, done: true });
    },
    async [Symbol.asyncDispose]() {
      await queue.return();
    },
    [Symbol.asyncIterator]: () => queue,
  };
  return queue;
}
