/** What a machine is running for: to install, to boot what was installed and let us in, or to work for us. */
export type Phase = "install" | "boot" | "script";

/** A line of the console or of a log that says more than that something goes on. */
export interface Clue {
  readonly kind:
    | "kernel-panic"
    | "disk-full"
    | "boot-stopped"
    | "late-command"
    | "installer-error"
    | "installer-question";
  /** What it means, in words. */
  readonly meaning: string;
  readonly line: string;
}

/** What was seen of QEMU itself. */
export interface QemuEvidence {
  /** Set once QEMU has ended. */
  readonly ended?: { readonly code: number; readonly signal: string | null; readonly said: string };
  /** Reason of the event SHUTDOWN: guest-shutdown, guest-reset, host-signal … */
  readonly shutdown?: string;
  readonly panicked?: boolean;
  /** The event BLOCK_IO_ERROR that stopped the guest. */
  readonly ioError?: { readonly nospace: boolean; readonly text: string };
}

/** What was seen of an installer. */
export interface InstallEvidence {
  /** The answer file without which nothing is installed. */
  readonly answerFile: string;
  /** Paths that were asked for and given, in order. */
  readonly fetched: readonly string[];
  /** Requests that were not granted, as "GET /x: 404". */
  readonly refused: readonly string[];
  /** How many lines of the installer's own log arrived. */
  readonly logLines: number;
  readonly lastLogLines: readonly string[];
  /** The last milestone, in words. */
  readonly milestone?: string;
}

/** Everything that was seen of a machine until now; plain data, from which rules conclude. */
export interface Evidence {
  readonly phase: Phase;
  /** Milliseconds since the watch began, and since the last sign of progress. */
  readonly elapsedMs: number;
  readonly quietMs: number;
  /** The limit that the work has, in milliseconds. */
  readonly deadlineMs: number;
  readonly serial: {
    readonly seen: boolean;
    /** The last readable lines, without the status bar of the installer's screen. */
    readonly last: readonly string[];
  };
  readonly clues: readonly Clue[];
  readonly qemu: QemuEvidence;
  /** Bytes that the guest has written to its disk since the watch began. */
  readonly writtenBytes: number;
  readonly install?: InstallEvidence;
  readonly ssh?: {
    readonly user: string;
    /** A stage of lib/ssh's waiting. */
    readonly stage: string;
    /** Why the last attempt failed. */
    readonly error?: string;
  };
  /** What the guest agent said: undefined while it was not asked. */
  readonly agent?: { readonly answers: boolean; readonly addresses: readonly string[] };
  readonly script?: {
    readonly name: string;
    readonly last: readonly string[];
    /** The command lines of what it was doing when it was given up. */
    readonly doing?: readonly string[];
    /** Its exit status, or how else it ended. */
    readonly status?: number | string;
  };
}
