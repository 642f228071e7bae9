import { deepEqual, equal, rejects } from "node:assert/strict";
import { createSocket } from "node:dgram";
import { setTimeout as sleep } from "node:timers/promises";
import { openSyslog, withoutHeader } from "../../../lib/build/diagnosis/syslog.ts";
import { sendSyslog } from "./send_syslog.ts";

Deno.test("messages come without their headers, several of a datagram apart", async () => {
  const kept: string[] = [];
  await using syslog = await openSyslog((line) => kept.push(line));
  const lines: string[] = [];
  await sendSyslog(syslog.port, "nobody listens yet");
  while (kept.length < 1) await sleep(5);
  syslog.onLine((line) => lines.push(line));
  await sendSyslog(
    syslog.port,
    "<14>Nov 23 00:31:54 main-menu[300]: INFO: Menu item 'partman-base' selected\n",
    "<30>Nov  3 00:31:55 one: 1\n<30>Nov  3 00:31:55 two: 2",
    "\n",
  );
  while (lines.length < 3) await sleep(5);
  deepEqual(lines, ["main-menu[300]: INFO: Menu item 'partman-base' selected", "one: 1", "two: 2"]);
  deepEqual(kept, ["nobody listens yet", ...lines]);
});

Deno.test("its port is the loopback's own and free again afterwards", async () => {
  let port = 0;
  {
    await using syslog = await openSyslog();
    port = syslog.port;
    const second = createSocket("udp4");
    await rejects(
      new Promise((_, reject) => second.once("error", reject).bind(port, "127.0.0.1")),
      /EADDRINUSE/,
    );
  }
  const again = createSocket("udp4");
  await new Promise<void>((resolve) => again.bind(port, "127.0.0.1", resolve));
  again.close();
});

Deno.test("headers are taken off in all their forms, and nothing else", () => {
  equal(withoutHeader("<14>Nov 23 00:31:54 host kernel: [ 1.0] up"), "kernel: [ 1.0] up");
  equal(withoutHeader("<5>Nov  3 00:31:54 kernel: up"), "kernel: up");
  equal(withoutHeader("no header: 1"), "no header: 1");
  equal(withoutHeader("<14>bare\r\n"), "bare");
});
