import assert from "node:assert/strict";
import { UsageError } from "../../lib/errors.ts";
import { parseRawRequest } from "../../lib/vm/guest/raw_request.ts";

const parsed = (...words: string[]) => {
  const request = parseRawRequest(words);
  return [request.command, JSON.parse(JSON.stringify(request.arguments))];
};

Deno.test("a request may be JSON as a whole; an id is pim's own business", () => {
  assert.deepEqual(parsed('{"execute": "stop"}'), ["stop", {}]);
  assert.deepEqual(parsed(' {"execute": "eject", "arguments": {"id": "cd0"}, "id": 4}'), ["eject", {
    id: "cd0",
  }]);
});

Deno.test("values are JSON where they can be, and dots in keys lead into objects", () => {
  assert.deepEqual(
    parsed("blockdev-add", "node-name=disk1", "driver=qcow2", "file.driver=file", "file.filename=/a=b"),
    [
      "blockdev-add",
      { "node-name": "disk1", driver: "qcow2", file: { driver: "file", filename: "/a=b" } },
    ],
  );
  assert.deepEqual(
    parsed("x", "n=5", "yes=true", 'text="5"', "list=[1, 2]", 'map={"a": 1}', "none=", "odd=007"),
    [
      "x",
      { n: 5, yes: true, text: "5", list: [1, 2], map: { a: 1 }, none: "", odd: "007" },
    ],
  );
});

Deno.test("numbers are handed on exactly, and no key reaches what all objects share", () => {
  const { arguments: args } = parseRawRequest(["x", "n=18446744073709551615", "__proto__.polluted=1"]);
  assert.equal(JSON.stringify(args), '{"n":18446744073709551615,"__proto__":{"polluted":1}}');
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

for (
  const [words, message] of [
    [['{"execute": "stop"'], /This is no JSON/],
    [['{"exec": "stop"}'], /has no "execute"/],
    [["[1]"], /has no "execute"/],
    [['{"execute": "stop", "argument": {}}'], /no "argument"/],
    [['{"execute": "stop", "arguments": []}'], /has to be an object/],
    [['{"execute":', '"stop"}'], /one word too many/],
    [["eject", "cd0"], /cd0 is no KEY=VALUE/],
    [["eject", "=cd0"], /is no KEY=VALUE/],
    [["x", "a..b=1"], /nothing between its dots/],
    [["x", "a=1", "a=2"], /a is given twice/],
    [["x", "a=1", "a.b=2"], /contradicts/],
    [["x", "a=18446744073709551615", "a.b=2"], /contradicts/],
    [["no name"], /cannot be a command/],
    [[""], /cannot be a command/],
  ] as const
) {
  Deno.test(`${JSON.stringify(words)} is refused as wrong usage`, () => {
    assert.throws(() => parseRawRequest(words), (error) => {
      assert(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  });
}
