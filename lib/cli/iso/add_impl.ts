import { isAbsolute } from "node:path";
import { type Architecture, architectures, hostArchitecture, parseArchitecture } from "../../architecture.ts";
import type { Tree } from "../../config/merge.ts";
import { CancelledError, HostError, UsageError } from "../../errors.ts";
import { loadCatalog } from "../../iso/catalog/catalog.ts";
import { absoluteKey, absoluteSource, checkedEntry, draftOf } from "../../iso/catalog/draft.ts";
import { addEntry, entryText, newEntryFile } from "../../iso/catalog/entry_file.ts";
import { adviceToAdd, findKnown } from "../../iso/catalog/known/find_known.ts";
import type { KnownIso } from "../../iso/catalog/known/known.ts";
import { checkGpgv } from "../../iso/verify/gpgv.ts";
import { log } from "../../log.ts";
import type { PimContext } from "../context.ts";
import { canAsk, confirm } from "../terminal/prompt.ts";
import type { AddFlags } from "./add.ts";
import { checksumFields } from "./add_checksum.ts";
import { need } from "./need.ts";

/** An entry that is on its way into the catalog. */
interface Proposal {
  readonly key: string;
  readonly fields: Tree;
}

/** `pim iso add [URL|KNOWN-KEY]` */
export async function add(this: PimContext, flags: AddFlags, source?: string): Promise<void> {
  const { folders } = await this.config();
  const from = source ?? await need(this, "URL", "URL or path of the ISO, or a key from `pim iso search`");
  const { key, fields } = await propose(this, flags, from);
  const file = newEntryFile(folders, key, flags.to);
  const checked = checkedEntry(key, fields, file, await loadCatalog(folders));
  if (canAsk(this) && !flags.yes) {
    this.process.stderr.write(`\n${entryText(key, checked)}\n`);
    if (!(await confirm(this, `Write this to ${file}?`, true))) throw new CancelledError();
  }
  await addEntry(file, key, checked);
  if (flags.json) return this.print(JSON.stringify({ key, file, entry: checked }, null, 2));
  this.print(`Added ${key} to ${file}`);
  if (checked.signature_url !== undefined) await warnWithoutGpgv();
  log.info(
    isAbsolute(String(checked.url))
      ? `It is used where it is. Name it in a profile: iso: "${key}"`
      : `Download it with: pim iso download ${key}`,
  );
}

/** Says in time what a download will need. */
async function warnWithoutGpgv(): Promise<void> {
  try {
    await checkGpgv();
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    log.warn(`${error.message}. ${error.hint}`);
  }
}

async function propose(context: PimContext, flags: AddFlags, from: string): Promise<Proposal> {
  const given = givenFields(flags, context.cwd);
  const known = findKnown(from, flags.arch ?? hostArchitecture());
  if (known !== undefined) return proposeKnown(known, flags, given);
  // A word that is neither a URL nor a path can only have been meant for one that pim knows.
  if (!/[/\\]|\.iso$/i.test(from)) throw unknown(from, flags.arch);
  const draft = await draftOf(from, context.cwd);
  const key = flags.key ?? draft.key ?? await need(context, "--key", "Key in the catalog");
  const architecture = flags.arch ?? draft.architecture ?? await needArchitecture(context);
  const filename = flags.filename ??
    (draft.filename === undefined ? await need(context, "--filename", "Name of the file") : undefined);
  const fields = {
    name: flags.name ?? draft.name ?? key,
    url: draft.url,
    ...(filename !== undefined && { filename }),
    ...await checksumFields(context, flags, draft),
    ...given,
    architecture,
  };
  return { key, fields };
}

function proposeKnown(known: KnownIso, flags: AddFlags, given: Tree): Proposal {
  if (flags.arch !== undefined && flags.arch !== known.architecture) {
    throw new UsageError(`${known.key} is for ${known.architecture}, not for ${flags.arch}`, {
      hint: `Type: pim iso add ${known.family} --arch ${flags.arch}`,
    });
  }
  if (known.note !== undefined) log.info(`${known.key}: ${known.note}`);
  const { name, filename, checksum } = flags;
  const own = {
    ...(name !== undefined && { name }),
    ...(filename !== undefined && { filename }),
    ...(checksum !== undefined && checksum !== "none" && { checksum }),
  };
  return { key: flags.key ?? known.key, fields: { ...known.fields, ...own, ...given } };
}

/** What flags say of the entry as it is to be written. */
function givenFields({ checksumUrl, signatureUrl, signingKey, signingKeyUrl }: AddFlags, cwd: string): Tree {
  const keys = signingKey?.map((key) => absoluteKey(key, cwd));
  return {
    ...(checksumUrl !== undefined && { checksum_url: absoluteSource(checksumUrl, cwd) }),
    ...(signatureUrl !== undefined && { signature_url: absoluteSource(signatureUrl, cwd) }),
    ...(keys !== undefined && { signing_key: keys.length === 1 ? keys[0] : keys }),
    ...(signingKeyUrl !== undefined && { signing_key_url: absoluteSource(signingKeyUrl, cwd) }),
  };
}

async function needArchitecture(context: PimContext): Promise<Architecture> {
  const answer = await need(context, "--arch", `Architecture (${architectures.join(" or ")})`);
  const architecture = parseArchitecture(answer);
  if (architecture !== undefined) return architecture;
  throw new UsageError(`${answer} is not one of: ${architectures.join(", ")}`);
}

function unknown(name: string, arch: Architecture | undefined): UsageError {
  const architecture = arch ?? hostArchitecture();
  const elsewhere = architectures.find((each) => findKnown(name, each) !== undefined);
  return new UsageError(`pim knows no ISO ${name}${elsewhere === undefined ? "" : ` for ${architecture}`}`, {
    hint: elsewhere === undefined
      ? adviceToAdd(name, architecture) ?? "See what it knows with: pim iso search. Or give a URL or a path."
      : `There is one for ${elsewhere}: pim iso add ${name} --arch ${elsewhere}`,
  });
}
