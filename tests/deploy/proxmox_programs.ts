// Stand-ins for a Proxmox VE host's own programs, each a process of its own: PROGRAM STATE ARGUMENT…
// They check their arguments as strictly as the real ones, and keep their VMs in a file.
import { hostname } from "node:os";
import { createProblems, sourcesOf } from "./proxmox_parameters.ts";

/** What the programs keep, and how they are told to fail. */
export interface ProgramState {
  vms: Record<string, { template: boolean; config: Record<string, string> }>;
  availBytes: number;
  /** Messages with which `qm create` or `qm template` fails. */
  fails: Record<string, string>;
  /** Every command line. */
  calls: string[];
  /** Seconds that `qm create` takes. */
  createSeconds: number;
}

class Failure extends Error {
  constructor(message: string, readonly code = 255) {
    super(message);
  }
}

function main(program: string, stateFile: string, args: readonly string[]): Promise<void> | void {
  const state: ProgramState = JSON.parse(Deno.readTextFileSync(stateFile));
  state.calls.push([program, ...args].join(" "));
  const save = () => Deno.writeTextFileSync(stateFile, JSON.stringify(state));
  save();
  switch (program) {
    case "pveversion":
      return print("pve-manager/7.4-17/513c62be (running kernel: 5.15.131-2-pve)");
    case "df":
      expect(args, ["--output=avail", "-B1", null]);
      return print(`     Avail\n${state.availBytes}`);
    case "pvesm":
      expect(args, ["status", "--storage", null, "--content", "images"]);
      if (args[2] !== "local-lvm") throw new Failure(`storage '${args[2]}' does not exist`);
      return print(
        "Name             Type     Status           Total            Used       Available        %\n" +
          "local-lvm     lvmthin     active       366276608        42194065       324082543   11.52%",
      );
    case "pvesh":
      return pvesh(state, args);
    case "qm":
      return qm(state, args, save);
    default:
      throw new Failure(`${program} is no stand-in`);
  }
}

function pvesh({ vms }: ProgramState, args: readonly string[]): void {
  const [verb, path = "", ...flags] = args;
  const end = flags.splice(-2).join(" ");
  if (verb !== "get" || end !== "--output-format json") throw new Failure("400 unable to parse arguments");
  const config = new RegExp(`^/nodes/${hostname().split(".")[0]}/qemu/(\\d+)/config$`).exec(path);
  if (path === "/cluster/nextid" && flags.length === 0) {
    let id = 100;
    while (String(id) in vms) id++;
    print(JSON.stringify(String(id)));
  } else if (path === "/cluster/resources" && flags.join(" ") === "--type vm") {
    const list = Object.entries(vms).map(([id, { config }]) => ({
      ...{ type: "qemu", vmid: Number(id), name: config.name, node: "pve" },
    }));
    print(JSON.stringify(list));
  } else if (config !== null && flags.length === 0) {
    const vm = vms[config[1] ?? ""];
    if (vm === undefined) {
      throw new Failure(`Configuration file 'nodes/pve/qemu-server/${config[1]}.conf' does not exist`, 2);
    }
    print(JSON.stringify({ ...vm.config, ...(vm.template && { template: 1 }), digest: "d" }));
  } else throw new Failure(`No '${verb}' handler defined for '${path}'`);
}

async function qm(state: ProgramState, args: readonly string[], save: () => void): Promise<void> {
  const [command = "", id = "", ...rest] = args;
  const { vms, fails } = state;
  if (command === "create") {
    const config: Record<string, string> = {};
    for (let at = 0; at < rest.length; at += 2) {
      const [flag = "", value] = rest.slice(at, at + 2);
      if (!flag.startsWith("--") || value === undefined) throw new Failure("400 unable to parse option");
      config[flag.slice(2)] = value;
    }
    const problems = createProblems({ vmid: id, ...config });
    if (Object.keys(problems).length > 0) {
      const lines = Object.entries(problems).map(([key, text]) => `${key}: ${text}`);
      throw new Failure(
        `400 Parameter verification failed.\n${lines.join("\n")}\nqm create <vmid> [OPTIONS]`,
      );
    }
    if (id in vms) throw new Failure(`unable to create VM ${id} - VM ${id} already exists on node 'pve'`);
    for (const source of sourcesOf(config)) Deno.statSync(source);
    print("transferred 1.0 MiB of 2.0 MiB (50.00%)");
    await new Promise((resolve) => setTimeout(resolve, state.createSeconds * 1000));
    if (fails.create !== undefined) throw new Failure(`unable to create VM ${id} - ${fails.create}`);
    print("transferred 2.0 MiB of 2.0 MiB (100.00%)");
    vms[id] = { template: false, config: { ...config, description: `${config.description}\n` } };
    return save();
  }
  const vm = vms[id];
  if (vm === undefined) throw new Failure(`Configuration file '${id}.conf' does not exist`, 2);
  if (command === "template" && rest.length === 0) {
    if (fails.template !== undefined) throw new Failure(fails.template);
    if (vm.template) throw new Failure("you can't convert a template to a template");
    vm.template = true;
  } else if (command === "destroy") {
    expect(rest, ["--purge", "1", "--destroy-unreferenced-disks", "1"]);
    delete vms[id];
  } else throw new Failure(`ERROR: unknown command 'qm ${command}'`);
  save();
}

function expect(args: readonly string[], wanted: readonly (string | null)[]): void {
  const fits = args.length === wanted.length &&
    wanted.every((each, index) => each === null || each === args[index]);
  if (!fits) throw new Failure(`400 unable to parse arguments: ${args.join(" ")}`);
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) {
  const [program = "", stateFile = "", ...args] = Deno.args;
  try {
    await main(program, stateFile, args);
  } catch (error) {
    const { message, code = 255 } = error as Error & { code?: number };
    Deno.stderr.writeSync(new TextEncoder().encode(`${message}\n`));
    Deno.exit(typeof code === "number" ? code : 255);
  }
}
