import { createHmac, randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { messageOf, PimError } from "../../errors.ts";
import { readTextIfThere } from "../../files.ts";
import { digestSecretFile, type Paths } from "../../paths.ts";

/**
 * Makes digests that tell whether something has changed, and nothing else: they are keyed with a secret of this user
 * (HMAC-SHA-256), so that no password can be found by trying from a key in a manifest.
 */
export interface Digester {
  /** Names the secret; digests of different ids cannot be compared. */
  readonly id: string;
  /** 64 hex digits. The parts are kept apart: ("ab", "c") and ("a", "bc") differ. */
  digest(...parts: readonly (string | Uint8Array)[]): string;
}

/** The digester of this user; its secret is made when it is asked for the first time. */
export async function userDigester(paths: Paths): Promise<Digester> {
  return digesterOf(await userSecret(digestSecretFile(paths)));
}

/** A digester with this secret. */
function digesterOf(secret: string): Digester {
  const digest: Digester["digest"] = (...parts) => {
    const hmac = createHmac("sha256", secret);
    for (const part of parts) {
      const bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
      hmac.update(`${bytes.length}:`).update(bytes);
    }
    return hmac.digest("hex");
  };
  return { id: digest("id").slice(0, 16), digest };
}

async function userSecret(path: string): Promise<string> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
    const secret = randomBytes(32).toString("hex");
    await file.write(new TextEncoder().encode(secret));
    return secret;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists)) {
      throw new PimError(`Cannot make ${path}: ${messageOf(cause)}`, { cause });
    }
  }
  for (let attempt = 1;; attempt++) {
    const secret = (await readTextIfThere(path))?.trim() ?? "";
    if (/^[0-9a-f]{64}$/.test(secret)) return secret;
    // Another pim may have made it a moment ago and be about to write it.
    if (attempt === 20) {
      throw new PimError(`${path} is damaged`, {
        hint: `Remove it: rm ${path}. All layers are made anew then.`,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
