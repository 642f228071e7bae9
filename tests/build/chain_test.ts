import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { chain, runChain, type Step, StepError } from "../../lib/build/chain.ts";
import type { BuildEvent } from "../../lib/build/events/events.ts";
import { CancelledError } from "../../lib/errors.ts";
import { configureLog } from "../../lib/log.ts";

const length: Step<string, number> = { name: "length", run: (text) => Promise.resolve(text.length) };
const double: Step<number, number> = { name: "double", run: (count) => Promise.resolve(2 * count) };
const asText: Step<number, string> = { name: "text", run: (count) => Promise.resolve(`=${count}`) };

function options(signal = new AbortController().signal) {
  const events: BuildEvent[] = [];
  return {
    signal,
    undo: new AsyncDisposableStack(),
    emit: (event: BuildEvent) => void events.push(event),
    events,
  };
}

Deno.test("each step takes what the one before returned", async () => {
  const steps = chain(length).each([double, double]).step(asText);
  deepEqual(steps.steps.map(({ name }) => name), ["length", "double", "double", "text"]);
  equal(await runChain(steps, "abc", options()), "=12");
});

Deno.test("a step that does not take what the one before returns is a type error", () => {
  // @ts-expect-error text is not what `length` takes
  chain(double).step(length);
  // @ts-expect-error a step that changes the type cannot be repeated
  chain(length).each([asText]);
});

Deno.test("a chain is a value that can be awaited and returned from async functions", async () => {
  const made = await Promise.resolve(chain(length));
  equal(made.steps.length, 1);
});

Deno.test("the events of a step stand between its start and its end, and are numbered", async () => {
  const talking: Step<number, number> = {
    name: "talk",
    run(count, { progress, output }) {
      progress("half", 0.5);
      progress("no idea how far");
      output("hello");
      return Promise.resolve(count);
    },
  };
  const { events, ...rest } = options();
  await runChain(chain(length).step(talking), "abc", { ...rest });
  deepEqual(events.map((event) => event.type === "step-finished" ? { ...event, elapsedMs: 0 } : event), [
    { type: "step-started", step: "length", index: 1, total: 2 },
    { type: "step-finished", step: "length", elapsedMs: 0 },
    { type: "step-started", step: "talk", index: 2, total: 2 },
    { type: "progress", step: "talk", text: "half", fraction: 0.5 },
    { type: "progress", step: "talk", text: "no idea how far" },
    { type: "output", step: "talk", line: "hello" },
    { type: "step-finished", step: "talk", elapsedMs: 0 },
  ]);
});

Deno.test("a failed step is named, its cause kept, and the steps after it do not run", async () => {
  const cause = new Error("no more room");
  const fails: Step<number, number> = { name: "fails", run: () => Promise.reject(cause) };
  const { events, ...rest } = options();
  await rejects(runChain(chain(length).step(fails).step(asText), "abc", rest), (error) => {
    ok(error instanceof StepError);
    equal(error.step, "fails");
    equal(error.cause, cause);
    return true;
  });
  deepEqual(events.map(({ type }) => type), ["step-started", "step-finished", "step-started"]);
});

Deno.test("what fails while a failed step cleans up does not hide why it failed", async () => {
  configureLog({ write: () => {} });
  const cause = new Error("QEMU is gone");
  const step: Step<number, number> = {
    name: "fails",
    async run() {
      await using _guest = { [Symbol.asyncDispose]: () => Promise.reject(new Error("nobody to thaw")) };
      throw cause;
    },
  };
  await rejects(
    runChain(chain(step), 1, options()),
    (error) => error instanceof StepError && error.cause === cause,
  );
});

Deno.test("a cancelled build stops between two steps", async () => {
  const controller = new AbortController();
  const reason = new CancelledError();
  const cancels: Step<number, number> = {
    name: "cancels",
    run(count) {
      controller.abort(reason);
      return Promise.resolve(count);
    },
  };
  let ran = false;
  const never: Step<number, number> = {
    name: "never",
    run(count) {
      ran = true;
      return Promise.resolve(count);
    },
  };
  await rejects(
    runChain(chain(length).step(cancels).step(never), "abc", options(controller.signal)),
    (error) => error instanceof StepError && error.step === "never" && error.cause === reason,
  );
  equal(ran, false);
});

Deno.test("what steps took in use is given back last first, by the owner of the stack, failure or not", async () => {
  const undone: string[] = [];
  const takes = (name: string, fails = false): Step<number, number> => ({
    name,
    run(count, { undo }) {
      undo.defer(() => void undone.push(name));
      return fails ? Promise.reject(new Error("fails")) : Promise.resolve(count);
    },
  });
  const { undo, ...rest } = options();
  await rejects(
    runChain(chain(takes("first")).step(takes("second")).step(takes("third", true)), 1, { undo, ...rest }),
  );
  deepEqual(undone, []);
  await undo.disposeAsync();
  deepEqual(undone, ["third", "second", "first"]);
});
