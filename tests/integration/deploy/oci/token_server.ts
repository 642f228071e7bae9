import { join } from "node:path";
import { run } from "../../../../lib/process.ts";
import { tempDir } from "../../../base/temp.ts";

/** A token server whose tokens a real registry takes. */
export interface TokenServer extends AsyncDisposable {
  /** The section `auth.token` of the registry's configuration. */
  readonly settings: object;
  /** The scopes that tokens were asked for, in the order they came. */
  scopes(): string[];
  readonly realm: string;
}

const issuer = "pim-tests";

/** Starts it; see https://distribution.github.io/distribution/spec/auth/jwt for the form of its tokens. */
export async function tokenServer(
  { users, refreshToken }: {
    readonly users: Readonly<Record<string, string>>;
    readonly refreshToken: string;
  },
): Promise<TokenServer> {
  const dir = await tempDir();
  const [keyFile, certificate] = [join(dir.path, "key.pem"), join(dir.path, "cert.pem")];
  await run(
    ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=pim-tests"]
      .concat(["-keyout", keyFile, "-out", certificate]),
  );
  const key = await crypto.subtle.importKey(
    "pkcs8",
    pemBytes(await Deno.readTextFile(keyFile)),
    { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const x5c = [pemBytes(await Deno.readTextFile(certificate)).toBase64()];
  const asked: string[] = [];
  const sign = async (scope: string) => {
    const now = Math.floor(Date.now() / 1000);
    const access = scope.split(" ").filter((each) => each !== "").map((each) => {
      const [type, name, actions = ""] = each.split(":");
      return { type, name, actions: actions.split(",") };
    });
    const claims = {
      ...{
        iss: issuer,
        sub: "",
        aud: "registry",
        jti: crypto.randomUUID(),
        access,
        iat: now - 3600,
        nbf: now - 3600,
      },
      exp: now + 300,
    };
    const text = [{ typ: "JWT", alg: "RS256", x5c }, claims].map((part) => base64url(JSON.stringify(part)))
      .join(".");
    const bytes = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", key, new TextEncoder().encode(text));
    return `${text}.${new Uint8Array(bytes).toBase64({ alphabet: "base64url", omitPadding: true })}`;
  };
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const url = new URL(request.url);
    const form = request.method === "POST" ? new URLSearchParams(await request.text()) : undefined;
    const scope = form?.get("scope") ?? url.searchParams.getAll("scope").join(" ");
    if ((form ?? url.searchParams).get("service") !== "registry") return new Response("", { status: 400 });
    const [, name = "", password = ""] = /^([^:]*):(.*)$/.exec(basic(request)) ?? [];
    const known = form === undefined
      ? users[name] === password
      : form.get("grant_type") === "refresh_token" && form.get("refresh_token") === refreshToken;
    if (!known) return Response.json({ details: "incorrect username or password" }, { status: 401 });
    asked.push(scope);
    const token = await sign(scope);
    return Response.json(form === undefined ? { token, expires_in: 300 } : { access_token: token });
  });
  const realm = `http://127.0.0.1:${http.addr.port}/token`;
  return {
    realm,
    settings: {
      realm,
      ...{ service: "registry", issuer, rootcertbundle: certificate },
    },
    scopes: () => [...asked],
    async [Symbol.asyncDispose]() {
      await http.shutdown();
      await dir[Symbol.asyncDispose]();
    },
  };
}

function basic(request: Request): string {
  const [, code = ""] = /^Basic (.*)$/.exec(request.headers.get("authorization") ?? "") ?? [];
  return atob(code);
}

function pemBytes(pem: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(pem.replace(/-----[^-]+-----/g, "").replace(/\s/g, ""));
}

function base64url(text: string): string {
  return new TextEncoder().encode(text).toBase64({ alphabet: "base64url", omitPadding: true });
}
