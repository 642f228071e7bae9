import type { GenericSchema } from "valibot";
import type { ImageEntry } from "../image/entry.ts";
import type { Manifest } from "../image/manifest.ts";
import type { Environment } from "../paths.ts";
import type { Instance } from "../verify/instance.ts";
import type { SshInstance } from "../verify/ssh_instance.ts";
import type { Source } from "../vm/source.ts";

/** An image that is to be deployed, and its files on this host. */
export interface DeployImage {
  readonly entry: ImageEntry;
  /** The qcow2 file. */
  readonly path: string;
  /** SHA-256 of the file in hexadecimal. */
  readonly sha256: string;
  /** The firmware's variables that belong to it. */
  readonly efiVars?: string;
  readonly manifest?: Manifest;
}

/** What a target calls the things that a deployment made there, such as { volume: "…", domain: "…" }. */
export type Ids = Readonly<Record<string, string>>;

/** What an action can do beside its own work. */
export interface ActionContext {
  readonly signal: AbortSignal;
  /** An empty folder of this deployment for files of a moment; it is removed at the end. */
  readonly workDir: string;
  /** What was made so far, by this run or by one that was cut short. */
  readonly ids: Ids;
  /** Says how far a long action is. */
  progress(bytes: number, totalBytes: number): void;
  /** Writes down at once what was made, so that nothing is lost when pim is killed; "" forgets an id. */
  made(ids: Ids): Promise<void>;
}

/** An image that was deployed, as far as an instance of it has to know it. */
export interface Deployed {
  readonly entry: ImageEntry;
  readonly sha256: string;
}

/** What starting an instance can do beside its own work: it writes `ids.instance` down before it makes anything. */
export type InstanceContext = Pick<ActionContext, "signal" | "workDir" | "ids" | "made">;

/** One thing that a deployment does; to start the image for good and to remove an older one wait for its verification. */
export interface Action {
  readonly phase: "upload" | "register" | "start" | "remove";
  /** What it does, as `--dry-run` prints it: "copy 126 MiB to /srv/images/demo.qcow2". */
  readonly text: string;
  run(context: ActionContext): Promise<void>;
}

/** All that has to be done to bring an image to a target, in its order. */
export interface DeployPlan {
  /** What the image will be called there, for people. */
  readonly where: string;
  readonly actions: readonly Action[];
}

/** One thing that was looked at to tell whether a target can be used. */
export interface TargetCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to type when it is not well. */
  readonly hint?: string;
}

/** What became of a deployment at its target. */
export type Presence = "there" | "missing" | "changed";

/** Where the settings of a target put an image. */
export interface Place {
  /** What is connected to: a host, a cloud; empty for this host. */
  readonly at: string;
  /** What the image is called there. */
  readonly name: string;
  /** How it is written there, where the name does not tell. */
  readonly form?: string;
  /** Whether a deployment may be taken away from another place when it has come to this one. */
  readonly movable: boolean;
}

/** An open target; dispose of it to drop its connections. */
export interface Target extends AsyncDisposable {
  /**
   * Looks whether it can be reached and used; what is wrong is a result, not an error.
   *
   * @param wants what it is to be used for beside bringing images there
   */
  check(wants?: { readonly verify: boolean }): Promise<readonly TargetCheck[]>;
  /**
   * Works out what has to be done, and throws a DeployError where it cannot be. Changes nothing.
   *
   * @param ids what an earlier run that was cut short has made
   */
  plan(image: DeployImage, options: { readonly force: boolean; readonly ids: Ids }): Promise<DeployPlan>;
  /** Where its settings put an image. Connects to nothing. */
  place(entry: ImageEntry): Place;
  /** Looks what became of what was deployed. */
  presence(ids: Ids, sha256: string): Promise<Presence>;
  /**
   * Removes what was deployed; what is gone already is no error.
   *
   * @param kept what the same deployment has made elsewhere since, which stays
   */
  remove(ids: Ids, kept?: Ids): Promise<void>;
  /** What was deployed as a disk of this host, where it is one: it is booted here to be verified. */
  disk?(ids: Ids): Pick<Source, "path" | "format" | "efiVars">;
  /**
   * Starts a throw-away instance of what was deployed, which is not changed by it. Throws a DeployError where that cannot
   * be. Absent, as `disk` is, where pim can start none.
   */
  startInstance?(deployed: Deployed, context: InstanceContext): Promise<Instance | SshInstance>;
  /** Removes the instance that was written down, which a pim that was killed has left; one that is gone is no error. */
  removeInstance?(ids: Ids): Promise<void>;
}

/** What opening a target needs of this host. */
export interface HostTools {
  readonly env: Environment;
  readonly signal: AbortSignal;
  /** Path of qemu-img; throws a HostError where there is none. */
  qemuImg(): Promise<string>;
  /** The secret that a reference stands for; `baseDir` is where relative paths start from. */
  secret(reference: SecretReference, baseDir: string): Promise<string>;
}

/** A secret as a target's entry names it: "$NAME", "file:PATH", or a command whose output it is. */
export type SecretReference = string | { readonly command: readonly string[] };

/** A kind of target. */
export interface TargetType<Settings> {
  readonly type: string;
  /** What it is, for lists: "files in a folder". */
  readonly brief: string;
  /** Whether what was deployed there can be verified, by {@linkcode Target.disk} or {@linkcode Target.startInstance}. */
  readonly verifies?: true;
  /** What an entry has to say besides, in YAML, for what is deployed there to be verified; undefined when nothing. */
  lacksForVerify?(settings: Settings): string | undefined;
  /** The shape of its entry in targets.d, without what is common to all types. */
  readonly schema: GenericSchema<unknown, Settings>;
  /**
   * Opens it. Nothing is connected before it is needed.
   *
   * @param baseDir the folder that relative paths in the entry start from
   */
  open(settings: Settings, tools: HostTools, baseDir: string): Target;
}
