import { hostArchitecture } from "../architecture.ts";
import { connect } from "../deploy/oci/connect.ts";
import { pullImage } from "../deploy/oci/pull_image.ts";
import { readReference } from "../deploy/oci/reference.ts";
import { Repository } from "../deploy/oci/repository.ts";
import { UsageError } from "../errors.ts";
import { log } from "../log.ts";
import { pullLock, registryFile } from "../paths.ts";
import type { PimContext } from "./context.ts";
import { hostTools } from "./deploy/host_tools.ts";
import type { PullFlags } from "./image.ts";
import { liveLine } from "./terminal/live_line.ts";

/** `pim image pull REF` */
export async function pull(this: PimContext, flags: PullFlags, text: string): Promise<void> {
  const reference = readReference(text);
  if (typeof reference === "string") {
    throw new UsageError(`Cannot pull ${text}: it ${reference}`, {
      hint: "Name the registry, too: pim image pull registry.example.org/team/web:latest",
    });
  }
  const { host, repository } = reference;
  const { paths, settings } = await this.config();
  const tools = hostTools(this);
  using client = await connect({ host, repository, baseDir: this.cwd }, {
    ...(flags.insecure && { insecure: true }),
    ...(flags.caFile !== undefined && { ca_file: flags.caFile }),
  }, tools);
  const { default: prettyBytes } = await import("pretty-bytes");
  using line = await liveLine(this);
  const pulled = await pullImage(new Repository(client, repository), reference, {
    places: { registryPath: registryFile(paths), imageDir: settings.build.image_dir },
    lockOf: (name) => pullLock(paths, name),
    architecture: flags.arch ?? hostArchitecture(),
    ...(flags.name !== undefined && { name: flags.name }),
    signal: this.signal,
    qemuImg: tools.qemuImg,
    progress(bytes, total) {
      const percent = Math.floor(bytes / Math.max(1, total) * 100);
      line.show(`${text}: ${percent}% of ${prettyBytes(total, { binary: true })}`, bytes === total);
    },
    onWait: () => log.info(`another pim pulls ${text}; waiting for that`),
  });
  line.clear();
  if (flags.json) return this.print(JSON.stringify(pulled, null, 2));
  if (pulled.already) log.info(`${pulled.entry.name} is here already`);
  this.print(pulled.path);
}
