import type { Profile } from "pim";
import debian from "./debian.ts";

// A machine to develop on: compilers, editors, rootless containers, a home of its own on LVM.
export default {
  extends: "debian",
  description: "A machine to develop on",
  username: "dev",
  fullname: "Developer",
  partitioning: { method: "lvm", recipe: "home" },
  packages: [
    ...debian.packages,
    ...["build-essential", "git", "jq", "tmux", "vim", "ripgrep"],
    ...["podman", "buildah", "uidmap", "python3-venv"],
  ],
  build: { diskSize: "40G", memoryMiB: 4096 },
  vars: { editor: "vim", git_branch: "main" },
} satisfies Profile;
