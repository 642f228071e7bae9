import type { GuestAgents } from "./proxmox_guest.ts";

/** A VM as the stand-in keeps it. */
export interface StandInVm {
  readonly vmid: number;
  lock?: string;
  running?: boolean;
  template: boolean;
  config: Record<string, string>;
}

/** Work that goes on in the background. */
export interface Task {
  readonly upid: string;
  /** How often it is asked for until it is done. */
  polls: number;
  readonly log: string[];
  exitstatus?: string;
  /** Does the work at the end and tells the exit status. */
  readonly finish: () => string;
  readonly interrupted: () => void;
}

/** How the host is set up; may be changed at any time. */
export interface PveRules {
  version: string;
  token: string;
  tokenSays: string;
  /** Privileges that the token lacks, as "PATH PRIVILEGE". */
  lacks: string[];
  importContent: string;
  availBytes: number;
  /** What becomes of the work of the next tasks, by their type; each is used once. */
  taskFails: Record<string, string>;
  /** Somebody takes the next id before we do. */
  idsTakenMeanwhile: number;
  createPolls: number;
  clonePolls: number;
  damagesUploads: boolean;
}

/** The id of the only token. */
export const tokenId = "pim@pve!deploy";

/** All that the stand-in knows. */
export interface State {
  readonly vms: Map<number, StandInVm>;
  readonly files: Map<string, Uint8Array>;
  readonly tasks: Map<string, Task>;
  readonly requests: string[];
  readonly faults: { match: RegExp; times: number; status: number }[];
  readonly rules: PveRules;
  readonly agents: GuestAgents;
}

/** What came in the query and in the form of a request. */
export type Query = URLSearchParams;

/** Answers one method: `match` has what stands for the stars of its path. */
export type Handler = (
  state: State,
  match: readonly string[],
  parameters: Query,
  request: Request,
) => unknown;
