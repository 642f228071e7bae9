import type { Profile } from "pim";
import debian from "./debian.ts";

// A node that `kubeadm init` or `kubeadm join` makes part of a cluster.
export default {
  extends: "debian",
  description: "A node for kubeadm",
  // No swap: the kubelet does not start beside it.
  partitioning: {
    recipe: "no-swap :: 2048 10000 -1 ext4 $primary{ } $bootable{ } method{ format } format{ } " +
      "use_filesystem{ } filesystem{ ext4 } mountpoint{ / } .",
  },
  packages: [...debian.packages, "containerd", "gnupg", "conntrack", "ethtool", "socat"],
  build: { diskSize: "30G" },
  vars: {
    minor: "1.34",
    // Of the key that signs pkgs.k8s.io: the build fails when another one is there.
    signed_by: "DE15B14486CD377B9E876E1A234654DA9A296436",
  },
} satisfies Profile;
