import { join } from "node:path";
import { run } from "../../lib/process.ts";
import { tempDir } from "../base/temp.ts";

/** A server's certificate for the loopback, its key, and the authority that signed it. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /** SHA-256 as `openssl x509 -fingerprint` prints it. */
  readonly fingerprint: string;
}

/** Makes an authority of a moment with openssl, and a certificate that it signs. */
export async function makeCertificate(): Promise<Certificate> {
  await using dir = await tempDir({
    "extensions":
      "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n",
  });
  const at = (name: string) => join(dir.path, name);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const openssl = async (...args: string[]) => (await run(["openssl", ...args])).stdout;
  await openssl(
    ...["req", "-x509", ...newKey, "-keyout", at("ca.key"), "-out", at("ca.pem")],
    ...["-days", "30", "-subj", "/CN=Test authority"],
  );
  await openssl(
    "req",
    ...newKey,
    ...["-keyout", at("key"), "-out", at("request"), "-subj", "/CN=test server"],
  );
  await openssl(
    ...["x509", "-req", "-in", at("request"), "-CA", at("ca.pem"), "-CAkey", at("ca.key")],
    ...["-CAcreateserial", "-out", at("cert"), "-days", "30", "-extfile", at("extensions")],
  );
  const text = await openssl("x509", "-in", at("cert"), "-noout", "-fingerprint", "-sha256");
  return {
    cert: await Deno.readTextFile(at("cert")),
    key: await Deno.readTextFile(at("key")),
    ca: await Deno.readTextFile(at("ca.pem")),
    fingerprint: text.trim().split("=")[1] ?? "",
  };
}
