import * as v from "valibot";
import type { QmpClient } from "./qmp.ts";
import { QmpError, QmpProtocolError, QmpTimeoutError, within } from "./qmp_error.ts";

/** One migration of a machine, from before its start (QEMU docs: devel/migration, and `migrate` in its QMP reference). */
export interface Migration extends AsyncDisposable {
  /** Waits until QEMU is done; throws a QmpError with QEMU's reason when it has failed. */
  completed(options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  /** Gives the migration up if it is still going on, and waits until QEMU has; never rejects. */
  cancel(): Promise<void>;
}

const eventSchema = v.object({ status: v.string() });
const statusSchema = v.object({
  status: v.optional(v.string(), "none"),
  "error-desc": v.optional(v.string()),
});
const over = new Set(["none", "completed", "failed", "cancelled"]);

/** Prepares to see how the next migration of a machine, out or in, ends. */
export async function watchMigration(qmp: QmpClient): Promise<Migration> {
  const capabilities = [{ capability: "events", state: true }];
  await qmp.execute("migrate-set-capabilities", { capabilities });
  const events = qmp.events(["MIGRATION"]);
  const final = (async () => {
    for await (const { data } of events) {
      const event = v.safeParse(eventSchema, data);
      if (event.success && over.has(event.output.status)) return;
    }
    throw await qmp.closed;
  })();
  final.catch(() => {}); // Maybe nobody waits for it.
  return {
    async completed({ timeoutMs = 30_000, signal } = {}) {
      const late = () => new QmpTimeoutError(`QEMU was not done within ${timeoutMs / 1000} s`);
      await within(final, timeoutMs, late, signal);
      const { status, "error-desc": reason } = await queryMigration(qmp);
      if (status !== "completed") throw new QmpError(reason ?? `QEMU says that it has ${status}`);
    },
    async cancel() {
      try {
        await qmp.execute("migrate_cancel", {}, { timeoutMs: 5000 });
        if (over.has((await queryMigration(qmp)).status)) return;
        await within(final, 10_000, () => new QmpTimeoutError("QEMU did not give up"));
      } catch {
        // QEMU has gone, or hangs: what led here says more.
      }
    },
    [Symbol.asyncDispose]: () => events[Symbol.asyncDispose](),
  };
}

async function queryMigration(qmp: QmpClient): Promise<v.InferOutput<typeof statusSchema>> {
  const parsed = v.safeParse(statusSchema, await qmp.execute("query-migrate"));
  if (!parsed.success) throw new QmpProtocolError("QEMU's answer to query-migrate is malformed");
  return parsed.output;
}
