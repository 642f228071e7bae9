import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, PimError } from "../../../lib/errors.ts";
import { isLocked } from "../../../lib/files.ts";
import { runtimeLock } from "../../../lib/paths.ts";
import { attachConsole, type AttachOptions, type ConsoleEnd } from "../../../lib/vm/console/console.ts";
import type { RunningVm } from "../../../lib/vm/vms.ts";
import { burst, burstBytes, burstText, greeting, powerOff, writeEchoGuest } from "../../vm/echo_guest.ts";
import { type FakeTerminal, fakeTerminal } from "../../vm/fake_terminal.ts";
import { gone, qmp, type SmallVms, smallVms } from "../../vm/small_vms.ts";

const leave = "\x1d";

interface EchoVm extends AsyncDisposable {
  readonly vms: SmallVms;
  readonly vm: RunningVm;
  /** Attaches a terminal; to be awaited for its end. */
  attach(terminal: FakeTerminal, options?: Partial<AttachOptions>): Promise<ConsoleEnd>;
  /** What QEMU logged of the serial port. */
  log(): string;
}

/** Starts a VM with the guest that gives back what is typed. */
async function echoVm(): Promise<EchoVm> {
  const vms = await smallVms();
  const image = await writeEchoGuest(join(vms.dir, "echo.raw"));
  const { vm } = await vms.run("demo", { what: image, qemuArgs: [] });
  const log = () => Buffer.from(Deno.readFileSync(vm.folder.serialLog)).toString("latin1");
  while (!log().includes(greeting)) await sleep(10);
  return {
    vms,
    vm,
    log,
    attach: (terminal, options) =>
      attachConsole(vms.places, vm, { terminal, signal: new AbortController().signal, ...options }),
    [Symbol.asyncDispose]: () => vms[Symbol.asyncDispose](),
  };
}

Deno.test("the last screenful is shown, keys reach the guest, and Ctrl-] leaves it running", async () => {
  await using echo = await echoVm();
  const first = fakeTerminal();
  const attached = echo.attach(first);
  await first.see(greeting);
  first.type("ls\r");
  await first.see("ls\r");
  first.type(`last words${leave}not for the guest`);
  assert.equal(await attached, "left");
  assert.deepEqual(first.modes, [true, false]);
  const second = fakeTerminal();
  const again = echo.attach(second);
  await second.see(`${greeting}ls\rlast words`);
  second.type(leave);
  assert.equal(await again, "left");
  assert.equal(echo.log(), `${greeting}ls\rlast words`);
});

Deno.test("all bytes pass as they are in both directions, and pipes have no key that leaves", async () => {
  await using echo = await echoVm();
  const pipes = fakeTerminal({ piped: true });
  const attached = echo.attach(pipes);
  const bytes = String.fromCharCode(...Array(256).keys()).replace(burst, "").replace(powerOff, "");
  pipes.type(bytes);
  await pipes.see(greeting.length + bytes.length);
  assert.equal(pipes.shown(), greeting + bytes);
  // The end of the input is not the end: what comes after it is still shown.
  pipes.type(burst);
  pipes.hangUp();
  await pipes.see(greeting.length + bytes.length + burstBytes);
  assert.deepEqual(pipes.modes, []);
  Deno.kill(echo.vm.pid, "SIGKILL");
  assert.equal(await attached, "ended");
  assert.equal(pipes.shown(), greeting + bytes + burstText(1));
});

Deno.test("consoles that come and go while the guest writes lose nothing and show nothing twice", async () => {
  await using echo = await echoVm();
  const visits = 8;
  const said = greeting + burstText(visits);
  for (let visit = 0; visit < visits; visit++) {
    const visitor = fakeTerminal({ piped: true });
    const over = new AbortController();
    const visiting = echo.attach(visitor, { signal: over.signal });
    visitor.type(burst);
    await visitor.see(9000);
    over.abort();
    await assert.rejects(visiting, CancelledError);
    // The backlog is QEMU's log, which may have bytes twice of what came while a console was there.
    assert(said.includes(visitor.shown().slice(4096)), `visit ${visit}`);
    const alone = echo.log().length + 4096;
    while (echo.log().length < alone) await sleep(5);
  }
});

Deno.test("a terminal that takes nothing does not hold up the guest, and can still be left", async () => {
  await using echo = await echoVm();
  const slow = fakeTerminal();
  const attached = echo.attach(slow);
  await slow.see(greeting);
  const goOn = slow.stall();
  slow.type(burst.repeat(2));
  const whole = greeting.length + 2 * burstBytes;
  while (echo.log().length < whole) await sleep(10);
  slow.type(leave);
  assert.equal(await attached, "left");
  assert.deepEqual(slow.modes, [true, false]);
  goOn();
});

Deno.test("a guest that takes no keys can be left all the same", async () => {
  await using echo = await echoVm();
  const terminal = fakeTerminal();
  const attached = echo.attach(terminal);
  await terminal.see(greeting);
  await qmp(echo.vm.files.qmp, "stop");
  terminal.type("x".repeat(1_000_000)); // More than a socket holds.
  terminal.type(leave);
  assert.equal(await attached, "left");
});

Deno.test("a second console waits for its turn, may give up, and gets in when the first leaves", async () => {
  await using echo = await echoVm();
  const [first, impatient, second] = [fakeTerminal(), fakeTerminal(), fakeTerminal()];
  const one = echo.attach(first);
  await first.see(greeting);
  const waits = Promise.withResolvers<void>();
  const giveUp = new AbortController();
  const none = echo.attach(impatient, { onWait: waits.resolve, signal: giveUp.signal });
  await waits.promise;
  giveUp.abort();
  await assert.rejects(none, CancelledError);
  assert.deepEqual([impatient.shown(), impatient.modes], ["", []]);
  const waitsToo = Promise.withResolvers<void>();
  const two = echo.attach(second, { onWait: waitsToo.resolve });
  await waitsToo.promise;
  first.type(`from the first${leave}`);
  assert.equal(await one, "left");
  await second.see("from the first");
  second.type("from the second");
  await second.see("from the second");
  second.type(powerOff);
  assert.equal(await two, "ended");
});

Deno.test("when the VM ends, all it wrote is shown and the terminal put back", async () => {
  await using echo = await echoVm();
  const terminal = fakeTerminal();
  const [waiting, waits] = [fakeTerminal(), Promise.withResolvers<void>()];
  const attached = echo.attach(terminal);
  await terminal.see(greeting);
  const other = echo.attach(waiting, { onWait: waits.resolve });
  await waits.promise;
  terminal.type(`${burst}the end${powerOff}`);
  assert.equal(await attached, "ended");
  assert.equal(terminal.shown(), `${greeting}${burstText(1)}the end\r\n`);
  assert.deepEqual(terminal.modes, [true, false]);
  assert.equal(await other, "ended", "whoever waited learns it too");
  await gone(echo.vm.pid);
  assert.equal(await echo.attach(fakeTerminal()), "ended");
});

Deno.test("the terminal is put back after a kill, a cancellation, a hang-up and a failure", async () => {
  await using echo = await echoVm();
  const cases: [string, (terminal: FakeTerminal, stop: AbortController) => void, ConsoleEnd | undefined][] = [
    ["cancellation", (_, stop) => stop.abort(new CancelledError()), undefined],
    ["hang-up", (terminal) => terminal.hangUp(), "left"],
    ["failure", (terminal) => {
      terminal.failure = new Error("I/O error");
      terminal.type("x");
    }, "left"],
    ["kill", () => Deno.kill(echo.vm.pid, "SIGKILL"), "ended"],
  ];
  for (const [name, act, end] of cases) {
    const terminal = fakeTerminal();
    const stop = new AbortController();
    const attached = echo.attach(terminal, { signal: stop.signal });
    await terminal.see("echo ready");
    act(terminal, stop);
    if (end === undefined) await assert.rejects(attached, CancelledError);
    else assert.equal(await attached, end, name);
    assert.deepEqual(terminal.modes, [true, false], name);
    assert.equal(await isLocked(runtimeLock(echo.vms.places.runtimeDir, "console", "demo")), false, name);
  }
});

Deno.test("output that cannot be written is an error where it is no terminal, and a reader that has gone is none", async () => {
  await using echo = await echoVm();
  const full = fakeTerminal({ piped: true });
  full.failure = new Error("No space left on device");
  await assert.rejects(echo.attach(full), (error) => {
    assert(error instanceof PimError);
    assert.equal(error.message, "Cannot write what the console shows: No space left on device");
    return true;
  });
  const closed = fakeTerminal({ piped: true });
  closed.failure = new Deno.errors.BrokenPipe("Broken pipe");
  assert.equal(await echo.attach(closed), "left");
});

Deno.test("a guest's changes to the terminal are undone, and its questions are not asked a second time", async () => {
  await using echo = await echoVm();
  const terminal = fakeTerminal();
  const attached = echo.attach(terminal);
  await terminal.see(greeting);
  const said = "\x1b[?1049h\x1b[?25l where? \x1b[6n";
  terminal.type(said);
  await terminal.see(said);
  terminal.type("\x1b[93;5u"); // Ctrl-] of a terminal that was asked to report keys in full.
  assert.equal(await attached, "left");
  assert.equal(terminal.shown(), `${greeting}${said}\x1b[?1049l\x1b[?25h\x1b[0m\r\n`);
  const again = fakeTerminal();
  const attachedAgain = echo.attach(again);
  await again.see("where? ");
  assert(!again.shown().includes("\x1b[6n"));
  again.type(leave);
  await attachedAgain;
});

Deno.test("a VM whose console log was removed says so", async () => {
  await using echo = await echoVm();
  await Deno.remove(echo.vm.folder.serialLog);
  await assert.rejects(echo.attach(fakeTerminal()), /^PimError: Cannot read the console of demo: /);
});
