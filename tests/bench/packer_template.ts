import { debian } from "../../lib/installer/debian.ts";
import { kernelLine } from "../../lib/installer/kernel_line.ts";
import type { BuildPlan } from "../../lib/build/plan.ts";
import { guestHost } from "../../lib/serve/server.ts";
import { shellQuote } from "../../lib/ssh/quote.ts";
import { acceleratorArgs } from "../../lib/qemu/platform_args.ts";
import type { AcceleratorName } from "../../lib/qemu/platform_args.ts";
import { environmentAsPim } from "./demo_plan.ts";

/** What a template of packer is written from. */
export interface PackerInputs {
  readonly plan: BuildPlan;
  readonly iso: { readonly path: string; readonly sha256: string };
  readonly accelerator: AcceleratorName;
  /** Folder with the answer files, which packer serves. */
  readonly httpDir: string;
  readonly httpPort: number;
  /** Paths of the scripts, finalize.sh last. */
  readonly scripts: readonly string[];
  /** Folder that packer makes and puts the image into. */
  readonly outputDir: string;
  readonly serialLog: string;
}

/** Name of the image file that packer makes. */
export const packerImage = "image.qcow2";

/**
 * A template for packer's qemu builder (1.6) as somebody writes it who wants speed: the same machine, disk options,
 * kernel line, answer files, scripts and finalize.sh as pim's, keys typed as fast as the boot menu takes them, and no
 * wait that is not needed. See https://www.packer.io/docs/builders/qemu.
 */
export function packerTemplate(inputs: PackerInputs): Record<string, unknown> {
  const { plan, scripts } = inputs;
  const password = shellQuote(plan.profile.password ?? "");
  return {
    builders: [{ ...machine(inputs), ...typing(inputs), ...login(plan) }],
    provisioners: [{
      type: "shell",
      scripts,
      environment_vars: Object.entries(environmentAsPim(plan)).map(([name, value]) => `${name}=${value}`),
      execute_command: `printf '%s\\n' ${password} | {{.Vars}} sudo -S -E -p '' {{.Path}}`,
    }],
  };
}

function machine(inputs: PackerInputs): Record<string, unknown> {
  const { plan, iso, accelerator, outputDir, serialLog } = inputs;
  const { memoryMiB, cpus } = plan.profile.build;
  const [accel, acceleratorName, cpu, model] = acceleratorArgs("amd64", accelerator);
  // Which CPU to emulate is pim's own choice. Packer leaves it to QEMU, whose model is quicker than `max`.
  const pairs = [[accel, acceleratorName], ...(accelerator === "tcg" ? [] : [[cpu, model]])];
  return {
    type: "qemu",
    iso_url: `file://${iso.path}`,
    iso_checksum: `sha256:${iso.sha256}`,
    output_directory: outputDir,
    vm_name: packerImage,
    format: "qcow2",
    // qemuargs choose the accelerator, with its options; "none" keeps packer from naming another one.
    accelerator: "none",
    machine_type: "q35",
    qemuargs: [
      ...pairs,
      // Without this line of its own, packer opens the guest's SSH port to the whole network.
      ["-netdev", "user,id=user.0,hostfwd=tcp:127.0.0.1:{{ .SSHHostPort }}-:22"],
      ["-serial", `file:${serialLog}`],
    ],
    headless: true,
    cpus,
    memory: memoryMiB,
    disk_size: `${plan.diskBytes / 1024 ** 2}M`,
    disk_interface: "virtio",
    disk_cache: "unsafe",
    disk_discard: "unmap",
    disk_detect_zeroes: "unmap",
    net_device: "virtio-net",
  };
}

function typing({ plan, httpDir, httpPort }: PackerInputs): Record<string, unknown> {
  const { profile, architecture } = plan;
  const baseUrl = `http://${guestHost}:${httpPort}`;
  const line = kernelLine(debian.kernelArgs({ baseUrl, profile, architecture }));
  return {
    http_directory: httpDir,
    http_port_min: httpPort,
    http_port_max: httpPort,
    boot_wait: "2s",
    boot_key_interval: "10ms",
    boot_command: [`/install.amd/vmlinuz initrd=/install.amd/initrd.gz ${line}<enter>`],
  };
}

function login({ profile, sshUser }: BuildPlan): Record<string, unknown> {
  const password = shellQuote(profile.password ?? "");
  return {
    communicator: "ssh",
    ssh_username: sshUser,
    ssh_password: profile.password,
    ssh_timeout: `${profile.build.installTimeoutMinutes + profile.build.sshTimeoutMinutes}m`,
    ssh_handshake_attempts: 1000,
    shutdown_command: `printf '%s\\n' ${password} | sudo -S -p '' systemctl poweroff`,
  };
}
