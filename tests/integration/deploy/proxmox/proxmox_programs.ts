// Stand-ins for a Proxmox VE host's own programs. They check their arguments as strictly as the real ones. What is on
// the PATH is a few lines of bash that ask the test's own process, which is quicker than programs that have to start.
import { Buffer } from "node:buffer";
import { hostname } from "node:os";
import { join } from "node:path";
import { type GuestAgents, guestAgents } from "./proxmox_guest.ts";
import { createProblems, sourcesOf } from "./proxmox_parameters.ts";

/** What the programs keep, and how they are told to fail. */
export interface ProgramState {
  vms: Record<string, { template: boolean; running?: boolean; config: Record<string, string> }>;
  availBytes: number;
  /** Messages with which `qm create` or `qm template` fails. */
  fails: Record<string, string>;
  /** Every command line. */
  readonly calls: string[];
  /** What answers in all VMs that run. */
  readonly agents: GuestAgents;
}

/** The programs, and what they keep. */
export interface PvePrograms extends AsyncDisposable {
  readonly state: ProgramState;
}

const asks = (port: number, name: string) =>
  `#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/${port}
input=none
case " $* " in *" --pass-stdin 1 "*) input=$(base64 -w0) ;; esac
printf '%s\\0' $# "$input" ${name} "$@" >&3
while IFS= read -r line <&3; do
  case $line in
    1*) printf '%s\\n' "\${line:1}" ;;
    2*) printf '%s\\n' "\${line:1}" >&2 ;;
    =*) exit "\${line:1}" ;;
  esac
done
exit 1
`;

/** Writes the programs into a folder, to be put on a PATH, and answers them until disposed of. */
export async function startPrograms(folder: string): Promise<PvePrograms> {
  const state: ProgramState = { vms: {}, availBytes: 10 ** 10, fails: {}, calls: [], agents: guestAgents() };
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await Deno.mkdir(folder, { recursive: true });
  for (const name of ["pveversion", "df", "pvesm", "pvesh", "qm"]) {
    await Deno.writeTextFile(join(folder, name), asks(listener.addr.port, name), { mode: 0o755 });
  }
  const sudo = '#!/bin/sh\n[ "$1" = -n ] || exit 1\nshift\nexec "$@"\n';
  await Deno.writeTextFile(join(folder, "sudo"), sudo, { mode: 0o755 });
  const serving = (async () => {
    for await (const connection of listener) {
      // Who asks may be killed before the answer.
      await serve(state, connection).catch(() => {});
      connection.close();
    }
  })();
  return {
    state,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
      await state.agents[Symbol.asyncDispose]();
    },
  };
}

async function serve(state: ProgramState, connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  let asked = "";
  // How many arguments, then the input, the program, and the arguments; each ends with a NUL.
  const words = () => asked.split("\0").slice(0, -1);
  while (words().length < 3 + Number(words()[0] ?? Infinity)) {
    const count = await connection.read(buffer);
    if (count === null) return;
    asked += new TextDecoder().decode(buffer.subarray(0, count));
  }
  const [, input = "", program = "", ...args] = words();
  state.calls.push([program, ...args].join(" "));
  const lines: string[] = [];
  const say = (mark: string, text: string) => lines.push(...text.split("\n").map((line) => `${mark}${line}`));
  let code = 0;
  try {
    await runProgram(program, state, { args, input }, (text) => say("1", text));
  } catch (error) {
    say("2", (error as Error).message);
    code = error instanceof Failure ? error.code : 255;
  }
  const answer = new TextEncoder().encode(`${[...lines, `=${code}`].join("\n")}\n`);
  for (let rest = answer; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
}

type Print = (text: string) => void;

class Failure extends Error {
  constructor(message: string, readonly code = 255) {
    super(message);
  }
}

async function runProgram(
  program: string,
  state: ProgramState,
  { args, input }: { readonly args: readonly string[]; readonly input: string },
  print: Print,
): Promise<void> {
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
      return pvesh(state, args, print);
    case "qm":
      return args[0] === "guest" ? await qmGuest(state, args.slice(1), input, print) : qm(state, args, print);
    default:
      throw new Failure(`${program} is no stand-in`);
  }
}

function pvesh({ vms }: ProgramState, args: readonly string[], print: Print): void {
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

function qm({ vms, fails }: ProgramState, args: readonly string[], print: Print): void {
  const [command = "", id = "", ...rest] = args;
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
    if (fails.create !== undefined) throw new Failure(`unable to create VM ${id} - ${fails.create}`);
    print("transferred 2.0 MiB of 2.0 MiB (100.00%)");
    vms[id] = { template: false, config: { ...config, description: `${config.description}\n` } };
    return;
  }
  const vm = vms[id];
  if (vm === undefined) throw new Failure(`Configuration file '${id}.conf' does not exist`, 2);
  if (command === "template" && rest.length === 0) {
    if (fails.template !== undefined) throw new Failure(fails.template);
    if (vm.template) throw new Failure("you can't convert a template to a template");
    vm.template = true;
  } else if (command === "clone") {
    const [newId = "", ...flags] = rest;
    expect(flags, ["--full", "0", "--name", null, "--description", null]);
    if (!vm.template) throw new Failure("a test clones templates only");
    if (newId in vms) throw new Failure(`unable to create VM ${newId}: config file already exists`);
    const [, , , name = "", , description = ""] = flags;
    vms[newId] = { template: false, config: { ...vm.config, name, description: `${description}\n` } };
  } else if (command === "start" && rest.length === 0) {
    if (vm.template) throw new Failure("you can't start a vm if it's a template");
    if (vm.running) throw new Failure(`VM ${id} already running`);
    vm.running = true;
  } else if (command === "stop" && rest.length === 0) {
    vm.running = false;
  } else if (command === "status" && rest.length === 0) {
    print(`status: ${vm.running ? "running" : "stopped"}`);
  } else if (command === "destroy") {
    if (vm.running) throw new Failure(`VM ${id} is running - destroy failed`);
    expect(rest, ["--purge", "1", "--destroy-unreferenced-disks", "1"]);
    delete vms[id];
  } else throw new Failure(`ERROR: unknown command 'qm ${command}'`);
}

/** `qm guest`, which prints what PVE::API2::Qemu::Agent returns, and nothing where that is empty. */
async function qmGuest(
  { vms, agents }: ProgramState,
  args: readonly string[],
  input: string,
  print: Print,
): Promise<void> {
  const [command = "", id = "", ...rest] = args;
  const vm = vms[id];
  if (vm === undefined) throw new Failure(`Configuration file '${id}.conf' does not exist`, 2);
  if (vm.config.agent !== "enabled=1") throw new Failure("No QEMU guest agent configured");
  if (!vm.running) throw new Failure(`VM ${id} is not running`);
  const show = (result: object) => print(JSON.stringify(result, null, 3));
  if (command === "cmd") {
    expect(rest, ["ping"]);
    await agents.ping();
  } else if (command === "exec-status" && rest.length === 1) {
    show(await agents.execStatus(Number(rest[0])));
  } else if (command === "exec") {
    const at = rest.indexOf("--");
    const passed = input !== "none";
    expect(rest.slice(0, at), ["--synchronous", "0", ...(passed ? ["--pass-stdin", "1"] : [])]);
    const bytes = passed ? Buffer.from(input, "base64") : undefined;
    if ((bytes?.length ?? 0) > 1024 * 1024) throw new Failure("'input-data' (stdin) is too long");
    show(await agents.exec(rest.slice(at + 1), bytes?.toString("latin1")));
  } else throw new Failure(`ERROR: unknown command 'qm guest ${command}'`);
}

function expect(args: readonly string[], wanted: readonly (string | null)[]): void {
  const fits = args.length === wanted.length &&
    wanted.every((each, index) => each === null || each === args[index]);
  if (!fits) throw new Failure(`400 unable to parse arguments: ${args.join(" ")}`);
}
