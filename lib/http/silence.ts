import { Silence } from "./no_answer.ts";

/** How long a server may be silent. */
export interface SilenceLimits {
  /** How long it may neither take nor send anything. */
  readonly stallTimeoutMs: number;
  /** The same from the moment on that all was sent. */
  readonly answerTimeoutMs: number;
}

/** Gives a request up when nothing has moved for too long. */
export interface SilenceWatch {
  watch(giveUp: (error: Silence) => void): void;
  heard(): void;
  /** It is our own turn, which may take as long as it wants; until something is heard again. */
  pause(): void;
  allSent(): void;
  stop(): void;
}

/** Begins to watch: what is done before there is a request counts, too. */
export function watchSilence({ stallTimeoutMs, answerTimeoutMs }: SilenceLimits): SilenceWatch {
  let limitMs = stallTimeoutMs;
  let lastMs = performance.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  return {
    watch(giveUp) {
      timer = setInterval(() => {
        if (performance.now() - lastMs > limitMs) giveUp(new Silence(limitMs));
      }, Math.max(20, Math.min(stallTimeoutMs, answerTimeoutMs) / 10));
    },
    heard: () => lastMs = performance.now(),
    pause: () => lastMs = Infinity,
    allSent() {
      lastMs = performance.now();
      limitMs = answerTimeoutMs;
    },
    stop: () => clearInterval(timer),
  };
}
