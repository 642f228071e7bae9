import assert from "node:assert/strict";
import { sign, verifySignature } from "./sigv4.ts";

// The example "GET Object" of S3's API reference, "Signature Calculations for the Authorization Header".
const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const key = { id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
const signed = ["host", "range", "x-amz-content-sha256", "x-amz-date"];
const credential = `${key.id}/20130524/us-east-1/s3/aws4_request`;
const signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
const request = {
  ...{ method: "GET", path: "/test.txt", query: "", body: new Uint8Array() },
  headers: {
    host: "examplebucket.s3.amazonaws.com",
    range: "bytes=0-9",
    "x-amz-content-sha256": empty,
    "x-amz-date": "20130524T000000Z",
    authorization: `AWS4-HMAC-SHA256 Credential=${credential},SignedHeaders=${
      signed.join(";")
    },Signature=${signature}`,
  },
};
const circumstances = {
  ...{ keys: [key], region: "us-east-1", service: "s3" as const },
  nowMs: Date.UTC(2013, 4, 24, 0, 1),
};

Deno.test("the stand-in calculates the signature that AWS publishes for its example", () => {
  assert.equal(
    sign(request, signed, { date: "20130524T000000Z", credential, payload: empty, secret: key.secret }),
    signature,
  );
  verifySignature(request, circumstances);
});

Deno.test("the stand-in refuses a request that was changed after it was signed", () => {
  const code = (change: object, more: object = {}) => {
    try {
      verifySignature({ ...request, ...change }, { ...circumstances, ...more });
      return "accepted";
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };
  assert.equal(code({ path: "/test2.txt" }), "SignatureDoesNotMatch");
  assert.equal(code({ query: "acl=" }), "SignatureDoesNotMatch");
  assert.equal(code({ body: new Uint8Array([1]) }), "XAmzContentSHA256Mismatch");
  assert.equal(code({ headers: { ...request.headers, "x-amz-acl": "public-read" } }), "AccessDenied");
  assert.equal(code({ headers: { ...request.headers, "x-amz-security-token": "t" } }), "AccessDenied");
  assert.equal(code({}, { nowMs: Date.UTC(2013, 4, 24, 0, 16) }), "RequestTimeTooSkewed");
  assert.equal(code({}, { region: "eu-central-1" }), "AuthorizationHeaderMalformed");
  assert.equal(code({}, { keys: [{ ...key, secret: "x" }] }), "SignatureDoesNotMatch");
  assert.equal(code({}, { keys: [{ ...key, id: "x" }] }), "InvalidAccessKeyId");
});
