import { buildCommand } from "./command.ts";
import type { PimContext } from "./context.ts";
import { jsonFlag, type JsonFlags, off } from "./flags.ts";

/** Flags of `pim doctor`. */
export interface DoctorFlags extends JsonFlags {
  readonly offline: boolean;
}

/** `pim doctor` */
export const doctorCommand = buildCommand<DoctorFlags, string[], PimContext>({
  loader: async () => (await import("./doctor_impl.ts")).doctor,
  parameters: {
    flags: { ...jsonFlag, offline: { ...off, brief: "Ask no server whether it answers" } },
    positional: {
      kind: "array",
      parameter: {
        parse: String,
        placeholder: "GROUP",
        brief: "pim, config, qemu, programs, folders or network; all of them unless some are named",
        async proposeCompletions() {
          const { checkGroups } = await import("../doctor/doctor.ts");
          return checkGroups.map(({ name }) => name);
        },
      },
    },
  },
  docs: {
    brief: "Look whether this host is ready, and say what to do about what is not",
    fullDescription:
      "Looks at pim, the configuration, QEMU (its accelerator is tried with a guest), other programs, folders, free space\n" +
      "and the servers of the ISO catalog. Each line is ok, a warning (what pim can do is limited) or a problem (it cannot\n" +
      "do its work), with the command that changes it. Ends with exit code 3 when there is a problem.",
    examples: {
      "pim doctor": "Look at everything",
      "pim doctor qemu --json": "One group of checks, for scripts",
    },
  },
});
