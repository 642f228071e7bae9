/** The flag of every command that prints data. */
export interface JsonFlags {
  readonly json: boolean;
}

/** The definition of {@linkcode JsonFlags}. */
export const jsonFlag = {
  json: { kind: "boolean", brief: "Print JSON", default: false, withNegated: false },
} as const;
