import type { PimContext } from "../context.ts";
import bash from "./scripts/pim.bash" with { type: "text" };
import fish from "./scripts/pim.fish" with { type: "text" };
import zsh from "./scripts/pim.zsh" with { type: "text" };
import type { Shell } from "./complete.ts";

const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };

/** `pim completion SHELL` */
// deno-lint-ignore require-await -- commands are asynchronous
export async function completion(this: PimContext, _: object, shell: Shell): Promise<void> {
  this.print(scripts[shell].trimEnd());
}
