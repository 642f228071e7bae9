import type { Evidence } from "./evidence.ts";

/** Something that is no reason for a failure, but good to know beside one. */
export interface Note {
  readonly code: "agent-absent" | "guest-disk-full" | "requests-refused";
  readonly text: string;
}

/** What is noteworthy beside the reason. */
export function notesOf({ agent, phase, clues, install }: Evidence): Note[] {
  const notes: Note[] = [];
  if (phase !== "install" && agent?.answers === false) {
    notes.push({
      code: "agent-absent",
      text: "The guest agent does not answer: is qemu-guest-agent installed and enabled?",
    });
  }
  const full = clues.find(({ kind }) => kind === "disk-full");
  if (full !== undefined) notes.push({ code: "guest-disk-full", text: full.line });
  if (install !== undefined && install.refused.length > 0) {
    notes.push({
      code: "requests-refused",
      text: `The installer asked for what there is not: ${install.refused.join(", ")}`,
    });
  }
  return notes;
}
