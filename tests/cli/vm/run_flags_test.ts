import assert from "node:assert/strict";
import { parseForward, parseShare, parseUsb } from "../../../lib/cli/vm/run.ts";

Deno.test("a forward is two ports, TCP unless it says udp; any free port of the host is 0 or nothing", () => {
  assert.deepEqual(parseForward("8080:80"), { hostPort: 8080, guestPort: 80, protocol: "tcp" });
  assert.deepEqual(parseForward("5353:53/udp"), { hostPort: 5353, guestPort: 53, protocol: "udp" });
  assert.deepEqual(parseForward("0:80"), parseForward(":80"));
  for (
    const wrong of ["80", "80:", "80:0", "70000:80", "80:65536", "80:80/sctp", "a:b", "127.0.0.1:80:80", ""]
  ) {
    assert.throws(() => parseForward(wrong), RangeError, wrong);
  }
});

Deno.test("a share has the folder's name for its tag, and can be read-only", () => {
  assert.deepEqual(parseShare("/srv/data"), { path: "/srv/data", tag: "data", readonly: false });
  assert.deepEqual(parseShare("../src/:code:ro"), { path: "../src/", tag: "code", readonly: true });
  assert.deepEqual(parseShare("/srv/data:ro"), { path: "/srv/data", tag: "data", readonly: true });
  assert.deepEqual(parseShare("/"), { path: "/", tag: "root", readonly: false });
  for (const wrong of ["", ":tag", "/a:b:c", "/a:with blank", `/a:${"x".repeat(32)}`, "/srv/my data"]) {
    assert.throws(() => parseShare(wrong), RangeError, wrong);
  }
});

Deno.test("a USB device is named as lsusb does", () => {
  assert.deepEqual(parseUsb("1D6B:0002"), { vendorId: "1d6b", productId: "0002" });
  assert.deepEqual(parseUsb("0x1d6b:0x0002"), parseUsb("1d6b:0002"));
  for (const wrong of ["1d6b", "1d6b:2", "1d6b:0002:1", "xxxx:0002"]) {
    assert.throws(() => parseUsb(wrong), RangeError, wrong);
  }
});
