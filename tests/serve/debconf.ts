import { run, type RunOptions, type RunResult } from "../../lib/process.ts";
import { tempDir } from "../base/temp.ts";

/**
 * Has debconf-set-selections check a preseed. It locks its databases even for that, so that these are its own: the
 * system's may be locked by apt, or by another test.
 */
export async function checkWithDebconf(preseed: string, options: RunOptions = {}): Promise<RunResult> {
  await using dir = await tempDir();
  const database = (name: string) => `Name: ${name}\nDriver: File\nFilename: ${dir.path}/${name}.dat\n`;
  const config = ["Config: config\nTemplates: templates\n", database("config"), database("templates")];
  const rc = await dir.write("debconf.conf", config.join("\n"));
  return await run(["debconf-set-selections", "--checkonly"], {
    ...options,
    stdin: preseed,
    env: { DEBCONF_SYSTEMRC: rc },
  });
}
