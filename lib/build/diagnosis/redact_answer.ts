import { redact } from "../../log.ts";

const hidden = "***";

// What stands for a secret in answer files, whoever wrote them: [what is to be found, what is left of it].
const patterns: readonly (readonly [RegExp, string])[] = [
  // crypt(3): $6$salt$hash, $y$params$salt$hash, $2b$…
  [/\$[a-z0-9-]{1,16}\$[^\s'"$]+\$[^\s'"]+/gi, hidden],
  // "d-i passwd/user-password password SECRET": the type that debconf has for what it never shows.
  [/^(\s*\S+\s+\S+\s+password[ \t]+)\S.*$/gm, `$1${hidden}`],
  // YAML and shell: password: SECRET, PASSPHRASE=SECRET, "token": "SECRET".
  [
    /((?:passw(?:or)?d|passphrase|secret|token|api_?key)["']?[ \t]*[:=][ \t]*)(?!["']?[ \t]*$)[^\s#][^\n]*/gim,
    `$1${hidden}`,
  ],
  // RFC 7468.
  [/(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----)/g, `$1\n${hidden}\n$2`],
  // Lines of authorized_keys; whose key it is stays.
  [/\b((?:sk-)?(?:ssh|ecdsa)-[\w@.-]+[ \t]+)AAAA[A-Za-z0-9+/=]+/g, `$1${hidden}`],
];

/** An answer file without passwords, their hashes, keys, and whatever else was announced as a secret. */
export function redactAnswer(text: string): string {
  return patterns.reduce((result, [pattern, left]) => result.replace(pattern, left), redact(text));
}
