import { join } from "node:path";
import { type Running, start } from "../../../lib/process.ts";
import { acceleratorArgs } from "../../../lib/qemu/platform_args.ts";
import { writeSeed } from "../../../lib/vm/seed/seed.ts";

/** What a cloud makes an instance of. */
export interface CloudMachine {
  readonly id: string;
  /** The disk that was uploaded; it is not written to. */
  readonly disk: { readonly path: string; readonly format: string };
  readonly userData: string;
}

/** Boots instances of a cloud in QEMU for real, one after the other, as all of them have SSH on one port of the loopback. */
export interface CloudMachines {
  /** Starts one as soon as the last has ended; disposing of it ends it. */
  boot(machine: CloudMachine): Promise<AsyncDisposable>;
  /** How many were started. */
  readonly started: number;
  /** Waits until the last of them has ended. */
  ended(): Promise<void>;
}

/** @param dir a folder for their seeds and consoles */
export function cloudMachines(dir: string, sshPort: number): CloudMachines {
  let last = Promise.resolve();
  let started = 0;
  return {
    get started() {
      return started;
    },
    ended: () => last,
    async boot({ id, disk, userData }) {
      const { promise: ended, resolve } = Promise.withResolvers<void>();
      const turn = last;
      last = ended;
      await turn;
      const seed = join(dir, `${id}.iso`);
      const metaData = `${JSON.stringify({ "instance-id": id, "local-hostname": `ip-${id}` })}\n`;
      await writeSeed(seed, { "meta-data": metaData, "user-data": userData, "vendor-data": vendorData });
      const qemu = startQemu({ disk, seed, console: join(dir, `${id}.log`), sshPort });
      started++;
      qemu.ended.then(() => resolve());
      return {
        async [Symbol.asyncDispose]() {
          qemu.kill("SIGKILL");
          await qemu.ended;
        },
      };
    },
  };
}

// What comes after networks, users and host keys is a quarter of an emulated boot, and nothing that pim asks of a cloud.
const vendorData = `#cloud-config\n${
  JSON.stringify({ cloud_config_modules: [], cloud_final_modules: [] })
}\n`;

function startQemu({ disk, seed, console, sshPort }: {
  readonly disk: CloudMachine["disk"];
  readonly seed: string;
  readonly console: string;
  readonly sshPort: number;
}): Running {
  return start([
    ...["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "q35"],
    ...acceleratorArgs("amd64", "tcg"),
    // Emulated, one CPU takes a quarter less of the host's time than two.
    ...["-smp", "1", "-m", "512M", "-display", "none", "-serial", `file:${console}`],
    ...["-device", "virtio-rng-pci", "-device", "virtio-net-pci,netdev=net0"],
    ...["-netdev", `user,id=net0,hostfwd=tcp:127.0.0.1:${sshPort}-:22`],
    ...["-drive", `if=virtio,file=${disk.path},format=${disk.format},snapshot=on`],
    ...["-drive", `if=virtio,file=${seed},format=raw,readonly=on`],
  ]);
}
