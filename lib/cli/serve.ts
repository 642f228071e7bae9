import type { Architecture } from "../architecture.ts";
import { UsageError } from "../errors.ts";
import { buildCommand } from "./command.ts";
import type { PimContext } from "./context.ts";
import { archFlag, jsonFlag, type JsonFlags, off } from "./flags.ts";
import { profileName } from "./names.ts";

/** Flags of `pim serve`. */
export interface ServeFlags extends JsonFlags {
  readonly bind?: string;
  readonly port?: number;
  readonly arch?: Architecture;
  readonly serial: boolean;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new UsageError(`${text} is no TCP port: 0 to 65535`);
  return port;
}

/** `pim serve` */
export const serveCommand = buildCommand<ServeFlags, [string?], PimContext>({
  loader: async () => (await import("./serve_impl.ts")).serve,
  parameters: {
    flags: {
      ...jsonFlag,
      bind: {
        kind: "parsed",
        parse: String,
        optional: true,
        placeholder: "ADDRESS",
        brief: "Address to listen on; 0.0.0.0 for all (default: serve.bind of pim.yml, 127.0.0.1)",
      },
      port: {
        kind: "parsed",
        parse: parsePort,
        optional: true,
        placeholder: "PORT",
        brief: "TCP port; 0 takes a free one (default: serve.port of pim.yml, 8080)",
      },
      arch: {
        ...archFlag,
        brief: "Architecture of the machine that is installed (default: the profile's first)",
      },
      serial: { ...off, brief: "Boot parameters for a machine with a serial console" },
    },
    positional: {
      kind: "tuple",
      parameters: [{
        ...profileName,
        brief: "Name of a profile in profiles.d (default: default)",
        optional: true,
      }],
    },
  },
  docs: {
    brief: "Serve a profile's answer files to an installer that you start yourself",
    fullDescription:
      "Serves preseed, autoinstall user-data and install script of a profile over HTTP and prints the boot\n" +
      "parameters to type. Templates are read anew for each request. Ctrl-C ends it.",
    examples: {
      "pim serve web": "To VMs of this host",
      "pim serve web --bind 0.0.0.0 --port 8000": "To machines on the network",
    },
  },
});
