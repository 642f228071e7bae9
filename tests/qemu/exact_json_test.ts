import assert from "node:assert/strict";
import { parseExactJson } from "../../lib/qemu/exact_json.ts";

Deno.test("whole numbers that a number cannot hold go out as they came in", () => {
  const text = '{"time":1795407816713737123,"max":[18446744073709551615,-9223372036854775808],"id":7}';
  assert.equal(JSON.stringify(parseExactJson(text)), text);
});

Deno.test("all else is parsed as ever", () => {
  const text = '{"a": [1, 2.5, 1e30, 9007199254740991, "12345678901234567890", true, null], "__proto__": 1}';
  assert.deepEqual(parseExactJson(text), JSON.parse(text));
  assert.throws(() => parseExactJson('{"a": 12345678901234567890'), SyntaxError);
});
