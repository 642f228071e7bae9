/** One signature, as gpgv judges it. */
export interface SignatureJudgement {
  readonly verdict: "good" | "bad" | "expired" | "expired-key" | "revoked-key" | "weak" | "no-key" | "broken";
  /** The key that made it, and its primary key; a subkey signs for its primary key. As far as gpgv tells. */
  readonly fingerprint: string | undefined;
  readonly primaryFingerprint: string | undefined;
  readonly userId: string | undefined;
  /** When it was made, in ISO 8601. */
  readonly madeAt: string | undefined;
}

// Hash algorithms with which two texts can be given one signature (RFC 9580, 9.5): MD5, SHA-1, RIPEMD-160.
const weakHashes = ["1", "2", "3"];

/** Reads the lines that gpgv writes with --status-fd (GnuPG's doc/DETAILS), one judgement for each signature. */
export function readStatus(text: string): readonly SignatureJudgement[] {
  const lines = text.split("\n")
    .filter((line) => line.startsWith("[GNUPG:] "))
    .map((line) => line.slice("[GNUPG:] ".length).split(" "));
  const starts = lines.flatMap(([word], index) => word === "NEWSIG" ? [index] : []);
  return starts.map((start, index) => judge(lines.slice(start, starts[index + 1])));
}

function judge(lines: readonly (readonly string[])[]): SignatureJudgement {
  const find = (...words: string[]) => lines.find(([word = ""]) => words.includes(word));
  // VALIDSIG stands beside expired and revoked ones too: it only says that the mathematics are right.
  const valid = find("VALIDSIG");
  const failed = find("ERRSIG");
  const named = find("GOODSIG", "BADSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG");
  const seconds = Number(valid?.[3]);
  return {
    verdict: verdictOf(find, valid, failed),
    fingerprint: valid?.[1] ?? failed?.[7],
    primaryFingerprint: valid?.[10] ?? valid?.[1],
    userId: named === undefined ? undefined : unescape(named.slice(2).join(" ")),
    madeAt: seconds > 0 ? new Date(seconds * 1000).toISOString() : undefined,
  };
}

function verdictOf(
  find: (...words: string[]) => readonly string[] | undefined,
  valid: readonly string[] | undefined,
  failed: readonly string[] | undefined,
): SignatureJudgement["verdict"] {
  if (find("BADSIG") !== undefined) return "bad";
  if (failed !== undefined) return failed[6] === "9" ? "no-key" : "broken";
  if (find("REVKEYSIG") !== undefined) return "revoked-key";
  if (find("EXPKEYSIG") !== undefined) return "expired-key";
  if (find("EXPSIG") !== undefined) return "expired";
  if (find("GOODSIG") === undefined || valid === undefined) return "broken";
  return weakHashes.includes(valid[8] ?? "") ? "weak" : "good";
}

/** GnuPG writes bytes that would end a line as %XX. */
function unescape(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll(/%(?![0-9A-Fa-f]{2})/g, "%25"));
  } catch {
    return text;
  }
}
