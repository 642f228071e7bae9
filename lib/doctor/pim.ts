import { isOlderDeno, typeScriptFromDisk } from "../deno_version.ts";
import { version } from "../version.ts";
import { configIfSound, type DoctorContext, type Finding, ok, warning } from "./finding.ts";

/** What runs pim. */
export interface Runtime {
  /** Whether pim is a compiled binary, which brings its own Deno. */
  readonly standalone: boolean;
  readonly deno: string;
}

/** Checks what runs pim. */
export function checkRuntime(): Promise<readonly Finding[]> {
  return Promise.resolve([
    judgeRuntime({ standalone: Deno.build.standalone, deno: Deno.version.deno }),
    ok("system", `${Deno.build.os} ${Deno.osRelease()}, ${Deno.build.arch}`),
  ]);
}

/** Whether a Deno is as new as pim needs. */
export function judgeRuntime({ standalone, deno }: Runtime): Finding {
  const detail = standalone ? `${version}, compiled (Deno ${deno})` : `${version}, run by Deno ${deno}`;
  const name = "pim";
  if (standalone && isOlderDeno(deno, typeScriptFromDisk)) {
    const fix =
      `Take a binary made with Deno ${typeScriptFromDisk} or later, or write profiles as .js modules.`;
    return warning(name, `${detail}: profiles in TypeScript cannot be loaded`, fix);
  }
  if (!standalone && isOlderDeno(deno, "2.9.0")) {
    const fix = "deno upgrade (from npm: npm install --global deno@latest)";
    return warning(name, `${detail}, but made for 2.9 or later`, fix);
  }
  return ok(name, detail);
}

/** Checks that a build's machine has room in memory. */
export async function checkMemory(context: DoctorContext): Promise<readonly Finding[]> {
  const config = await configIfSound(context);
  const { default: prettyBytes } = await import("pretty-bytes");
  const { total, available } = Deno.systemMemoryInfo();
  const size = (bytes: number) => prettyBytes(bytes, { binary: true });
  const detail = `${navigator.hardwareConcurrency} CPUs, ${size(available)} of ${size(total)} memory free`;
  const wantedMiB = config?.settings.build.memory ?? 0;
  if (available >= wantedMiB * 1024 ** 2) return [ok("machine", detail)];
  return [warning(
    "machine",
    `${detail}, but a build's machine has ${size(wantedMiB * 1024 ** 2)} (build.memory)`,
    "End other programs, or give builds less: PIM_BUILD_MEMORY=1024 pim build run …",
  )];
}
