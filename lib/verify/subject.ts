import { basename } from "node:path";
import { type ConfigFolder, findFile } from "../config/folders.ts";
import type { ResolvedProfile } from "../profile/resolved.ts";
import type { Source } from "../vm/source.ts";

/** A script of the user's that says whether an image is right, by its exit status. */
export interface VerificationScript {
  /** Its name in verifications.d, without the ending. */
  readonly name: string;
  readonly path: string;
}

/** What an image is measured by. */
export interface Measure {
  /** What the image shall be; without it, why that is not known, in words. */
  readonly profile: ResolvedProfile | string;
  readonly script?: VerificationScript & {
    /** The variables that it sees. */
    readonly env: Readonly<Record<string, string>>;
  };
}

/** An image that is to be verified, and the machines that are started of it. */
export interface Subject extends Measure {
  readonly source: Source;
  readonly memoryMiB: number;
  readonly cpus: number;
  /** Port of SSH inside the guest. */
  readonly guestSshPort: number;
}

/** The verification script of a profile: the one of its name, else `default`, of the project or the user. */
export async function findVerificationScript(
  folders: readonly ConfigFolder[],
  profile: string,
): Promise<VerificationScript | undefined> {
  const own = folders.filter((each) => each.kind !== "built-in");
  const found = await findFile(own, "verifications.d", [`${profile}.sh`, "default.sh"]);
  return found && { name: basename(found.path, ".sh"), path: found.path };
}
