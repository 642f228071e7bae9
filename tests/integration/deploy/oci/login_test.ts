import assert from "node:assert/strict";
import { join } from "node:path";
import { readChallenge } from "../../../../lib/deploy/oci/authorization.ts";
import { storedCredentials } from "../../../../lib/deploy/oci/credentials.ts";
import { run, which } from "../../../../lib/process.ts";
import { type TempDir, tempDir } from "../../../base/temp.ts";
import { newUser } from "../../../cli/pim.ts";
import { answeringProxy } from "./answering_proxy.ts";
import { deployTo, homeTools, ociTarget } from "./deploy_to.ts";
import { type DockerRegistry, dockerRegistry } from "./docker_registry.ts";
import { registerSample, sampleDisk } from "./sample_disk.ts";
import { type TokenServer, tokenServer } from "./token_server.ts";

const ignore = await which("docker-registry") === undefined || await which("htpasswd") === undefined;

async function withPassword(home: TempDir): Promise<DockerRegistry> {
  const { stdout } = await run(["htpasswd", "-Bbn", "ann", "s3cret-word"]);
  const path = await home.write("htpasswd", stdout.trim() + "\n");
  return await dockerRegistry({ auth: { htpasswd: { realm: "test", path } } });
}

function auth(host: string, user: string, password: string): string {
  return JSON.stringify({ auths: { [host]: { auth: btoa(`${user}:${password}`) } } });
}

Deno.test({
  name: "a name and a password of the target open a registry, wrong ones do not",
  ignore,
  async fn() {
    await using home = await tempDir();
    await using registry = await withPassword(home);
    const image = await sampleDisk(home.path, { mib: 1 });
    const settings = { reference: `${registry.host}/team/web:x`, username: "ann", password: "$HUB_PASSWORD" };
    await assert.rejects(
      deployTo(home.path, settings, image, { env: { HUB_PASSWORD: "another" } }),
      /^DeployError: Cannot deploy \S+ to \S+: 127\.0\.0\.1:\d+ does not accept the credentials of ann$/,
    );
    await assert.rejects(deployTo(home.path, { reference: settings.reference }, image), /wants a login$/);
    await deployTo(home.path, settings, image, { env: { HUB_PASSWORD: "s3cret-word" } });
  },
});

Deno.test({
  name: "logins of podman, docker and credential helpers are used",
  ignore,
  async fn() {
    await using home = await tempDir();
    await using registry = await withPassword(home);
    const image = await sampleDisk(home.path, { mib: 1 });
    const settings = { reference: `${registry.host}/team/web:x` };
    const file = await home.write(".docker/config.json", auth(registry.host, "ann", "s3cret-word"));
    await deployTo(home.path, settings, image, { target: "docker" });
    await Deno.remove(file);
    await home.write("run/containers/auth.json", auth(`${registry.host}/team`, "ann", "s3cret-word"));
    await deployTo(home.path, settings, image, {
      target: "podman",
      env: { XDG_RUNTIME_DIR: join(home.path, "run") },
    });
  },
});

Deno.test("a credential helper is asked by its protocol, and one that knows nothing is no error", async () => {
  await using home = await tempDir();
  const helper = await home.write(
    "bin/docker-credential-pimtest",
    `#!/bin/sh
read -r host
[ "$1" = get ] || exit 2
if [ "$host" = hub.example.org ]; then echo '{"ServerURL":"hub.example.org","Username":"ann","Secret":"from-helper"}'
elif [ "$host" = token.example.org ]; then echo '{"Username":"<token>","Secret":"refresh-it"}'
elif [ "$host" = broken.example.org ]; then echo oops >&2; exit 1
else echo credentials not found in native keychain; exit 1; fi
`,
  );
  await Deno.chmod(helper, 0o755);
  await home.write("docker/config.json", JSON.stringify({ credsStore: "pimtest" }));
  const env = new Map([["DOCKER_CONFIG", join(home.path, "docker")], ["HOME", home.path]]);
  const source = { env, signal: new AbortController().signal };
  const before = Deno.env.get("PATH") ?? "";
  Deno.env.set("PATH", `${join(home.path, "bin")}:${before}`);
  try {
    assert.deepEqual(await storedCredentials("hub.example.org", "a/b", source), {
      username: "ann",
      password: "from-helper",
    });
    assert.deepEqual(await storedCredentials("token.example.org", "a/b", source), {
      identityToken: "refresh-it",
    });
    assert.equal(await storedCredentials("other.example.org", "a/b", source), undefined);
    await assert.rejects(
      storedCredentials("broken.example.org", "a/b", source),
      /docker-credential-pimtest.*oops/,
    );
  } finally {
    Deno.env.set("PATH", before);
  }
});

Deno.test("the credentials nearest to a repository count, and a damaged file is named without its content", async () => {
  await using home = await tempDir();
  const entry = (user: string) => ({ auth: btoa(`${user}:pass:word`) });
  await home.write(
    "auth.json",
    JSON.stringify({
      auths: {
        "hub.example.org": entry("host"),
        "hub.example.org/team": entry("team"),
        "hub.example.org/team/web": entry("web"),
        "https://index.docker.io/v1/": entry("docker"),
      },
    }),
  );
  const env = new Map([["REGISTRY_AUTH_FILE", join(home.path, "auth.json")]]);
  const source = { env, signal: new AbortController().signal };
  const who = async (host: string, repository: string) => {
    const found = await storedCredentials(host, repository, source);
    return found !== undefined && "username" in found ? [found.username, found.password] : found;
  };
  assert.deepEqual(await who("hub.example.org", "team/web"), ["web", "pass:word"]);
  assert.deepEqual(await who("hub.example.org", "team/mail"), ["team", "pass:word"]);
  assert.deepEqual(await who("hub.example.org", "other"), ["host", "pass:word"]);
  assert.deepEqual(await who("docker.io", "ann/web"), ["docker", "pass:word"]);
  assert.equal(await who("else.example.org", "team/web"), undefined);
  await home.write("auth.json", `{"auths": {"x": {"auth": "topsecret"`);
  await assert.rejects(who("hub.example.org", "x"), (error) => {
    assert.match(String(error), /auth\.json holds no credentials/);
    return !String((error as Error).stack).includes("topsecret");
  });
});

Deno.test("a challenge is read with its quotes, commas and spaces", () => {
  assert.deepEqual(
    readChallenge(
      'Bearer realm="https://auth.example.org/token",service="hub, \\"one\\"", scope=repository:a/b:pull',
    ),
    {
      scheme: "bearer",
      parameters: {
        realm: "https://auth.example.org/token",
        service: 'hub, "one"',
        scope: "repository:a/b:pull",
      },
    },
  );
  assert.deepEqual(readChallenge(""), { scheme: "", parameters: {} });
});

async function withTokens(): Promise<AsyncDisposable & { server: TokenServer; registry: DockerRegistry }> {
  const server = await tokenServer({ users: { ann: "s3cret-word" }, refreshToken: "refresh-it" });
  const registry = await dockerRegistry({ auth: { token: server.settings } });
  return {
    ...{ server, registry },
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

Deno.test({
  name: "a token server's tokens open its registry, each for its scope",
  ignore,
  async fn() {
    await using home = await tempDir();
    await using peers = await withTokens();
    const image = await sampleDisk(home.path, { mib: 1 });
    const reference = `${peers.registry.host}/team/web:x`;
    const settings = { reference, username: "ann", password: "$HUB_PASSWORD" };
    const env = { HUB_PASSWORD: "s3cret-word" };
    const { deployment } = await deployTo(home.path, settings, image, { env });
    assert.deepEqual(peers.server.scopes(), ["repository:team/web:pull", "repository:team/web:pull,push"]);
    // From the one repository to the other without sending it: that takes a token for both.
    const other = { ...settings, reference: `${peers.registry.host}/else/web:x` };
    await deployTo(home.path, other, image, { env, target: "else" });
    assert.ok(peers.server.scopes().includes("repository:else/web:pull,push repository:team/web:pull"));
    await using target = ociTarget(home.path, settings).open(homeTools(home.path, { env }));
    await target.remove(deployment.ids);
    assert.equal(await target.presence(deployment.ids, image.sha256), "missing");
    const wrong = deployTo(home.path, settings, image, { env: { HUB_PASSWORD: "wrong-word" } });
    await assert.rejects(wrong, /does not accept the credentials of ann/);
  },
});

Deno.test({
  name: "a token that expires in the middle of a push is renewed",
  ignore,
  async fn() {
    await using home = await tempDir();
    await using peers = await withTokens();
    const image = await sampleDisk(home.path, { mib: 4 });
    let puts = 0;
    await using proxy = answeringProxy(peers.registry.host, ({ method }) => {
      if (method !== "PUT" || ++puts !== 3) return undefined;
      const challenge = `Bearer realm="${peers.server.realm}",service="registry",error="invalid_token"`;
      return new Response("", { status: 401, headers: { "www-authenticate": challenge } });
    });
    const settings = {
      reference: `${proxy.host}/team/web:x`,
      ...{ username: "ann", password: "$HUB_PASSWORD", chunk_mib: 1 },
    };
    await deployTo(home.path, settings, image, { env: { HUB_PASSWORD: "s3cret-word" } });
    // Five pieces, the configuration, the manifest, and the one that was refused.
    assert.equal(puts, 8);
    const pushes = peers.server.scopes().filter((scope) => scope.endsWith("pull,push"));
    assert.equal(pushes.length, 2);
  },
});

Deno.test({
  name: "an identity token is exchanged for tokens",
  ignore,
  async fn() {
    await using home = await tempDir();
    await using peers = await withTokens();
    const image = await sampleDisk(home.path, { mib: 1 });
    const { host } = peers.registry;
    await home.write(
      ".docker/config.json",
      JSON.stringify({ auths: { [host]: { identitytoken: "refresh-it" } } }),
    );
    await deployTo(home.path, { reference: `${host}/team/web:x` }, image);
    await home.write(
      ".docker/config.json",
      JSON.stringify({ auths: { [host]: { identitytoken: "old-one" } } }),
    );
    const failed = deployTo(home.path, { reference: `${host}/team/other:x` }, image, { target: "other" });
    await assert.rejects(failed, /does not accept the credentials of the stored identity token/);
  },
});

Deno.test({
  name: "a registry with a certificate of one's own is reached with its ca_file, and not without",
  ignore,
  async fn() {
    await using home = await tempDir();
    const { key, certificate } = await signedCertificate(home);
    await using registry = await dockerRegistry({ tls: { certificate, key } });
    const image = await sampleDisk(home.path, { mib: 2 });
    const settings = { reference: `${registry.host}/team/web:x`, insecure: false };
    await assert.rejects(
      deployTo(home.path, settings, image),
      /from 127\.0\.0\.1:\d+: its certificate is not accepted/,
    );
    await deployTo(home.path, { ...settings, ca_file: "authority.pem" }, image);
    const missing = deployTo(home.path, { ...settings, ca_file: "none.pem" }, image);
    await assert.rejects(missing, /There is no ca_file .*none\.pem/);
    await home.write("empty.pem", "");
    const empty = deployTo(home.path, { ...settings, ca_file: "empty.pem" }, image);
    await assert.rejects(empty, /empty\.pem holds no certificate in PEM/);
  },
});

Deno.test({
  name: "neither a password nor a token gets into what pim prints under --debug or keeps in files",
  ignore,
  async fn() {
    await using peers = await withTokens();
    await using user = await newUser();
    const target = {
      type: "oci",
      reference: `${peers.registry.host}/team/web:x`,
      username: "ann",
      password: "$HUB_PASSWORD",
    };
    await user.write("config/pim/targets.d/hub.yml", JSON.stringify({ hub: target }));
    const image = await sampleDisk(join(user.path, "data", "pim", "images"), { mib: 2 });
    await registerSample(join(user.path, "data", "pim", "registry.yml"), image);
    const env = { HUB_PASSWORD: "s3cret-word" };
    const { code, stdout, stderr } = await user.run(
      [...user.argv, "deploy", "run", "web", "hub", "--json", "--debug"],
      { env },
    );
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^GET http:\/\/127\.0\.0\.1:\d+\/token$/m);
    const kept = await run(["grep", "-rlE", "s3cret-word|eyJ", user.path, "--exclude=*.qcow2"], {
      okStatus: [0, 1],
    });
    assert.equal(kept.stdout, "");
    for (const said of [stdout, stderr]) {
      for (const secret of ["s3cret-word", btoa("ann:s3cret-word"), "eyJ"]) {
        assert.ok(!said.includes(secret), said);
      }
    }
  },
});

/** A certificate for 127.0.0.1, signed by an authority whose own is authority.pem. */
async function signedCertificate(
  home: TempDir,
): Promise<{ readonly key: string; readonly certificate: string }> {
  const at = (name: string) => join(home.path, name);
  const openssl = (...args: readonly string[]) => run(["openssl", ...args]);
  const newKey = (name: string) => ["-newkey", "rsa:2048", "-nodes", "-keyout", at(name)];
  const authority = ["-x509", "-days", "2", "-subj", "/CN=authority", "-out", at("authority.pem")];
  await openssl("req", ...authority, ...newKey("authority.key"));
  await openssl("req", "-new", "-subj", "/CN=hub", "-out", at("hub.csr"), ...newKey("hub.key"));
  const extensions = await home.write("hub.ext", "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n");
  const signer = ["-CA", at("authority.pem"), "-CAkey", at("authority.key"), "-CAcreateserial", "-days", "2"];
  await openssl(
    "x509",
    "-req",
    "-in",
    at("hub.csr"),
    ...signer,
    "-extfile",
    extensions,
    "-out",
    at("hub.pem"),
  );
  return { key: at("hub.key"), certificate: at("hub.pem") };
}
