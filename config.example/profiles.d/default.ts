import type { Profile } from "pim";

// Every other profile is merged over this one. The values here are pim's own defaults, as a reference:
// remove what you do not want to change. Maps merge key by key; lists and single values replace.
export default {
  // extends: "…",             // a profile whose values lie under these; default: this one, default.ts
  // description: "…",         // one line for `pim profile list -l`; it and extends are not passed on

  username: "pim",
  // password: "…",            // hashed before it leaves this host; without one the user has no password
  // passwordHash: "$6$…",     // in place of a password: the output of `mkpasswd -m sha-512`
  // fullname: "…",            // default: the user name
  sshAuthorizedKeys: [],
  rootLogin: false,

  locale: "en_US.UTF-8",
  keyboard: "us",
  timezone: "UTC",
  // hostname: "…",            // default: the profile's name
  domain: "",

  // mirrorHost: "mirror.example.org",  // default: the distribution's own
  // mirrorPath: "/debian",
  // httpProxy: "http://proxy.example.org:3128",

  partitioning: {
    method: "regular", // "lvm", "crypto"
    recipe: "atomic", // "home", "multi", or a partman expert recipe
    // disk: "/dev/vda",       // default: the first disk
    filesystem: "ext4", // "xfs", "btrfs"
  },
  tasksel: [],
  packages: [],
  // grubDevice: "/dev/vda",   // default: the disk that was installed on

  // installer: "debian",      // or "ubuntu"; default: found from the ISO
  // iso: "debian-13-{arch}-netinst", // a key of the ISO catalog, or a pattern
  // architectures: ["amd64"], // default: that of the host
  scripts: [],
  // answers: ["d-i debian-installer/add-kernel-opts string net.ifnames=0"],

  build: {
    // diskSize: "20G",        // default: build.disk_size of pim.yml; memoryMiB and cpus alike
    // memoryMiB: 2048,
    // cpus: 2,
    // firmware: "bios",       // or "uefi"; arm64 always has "uefi"
    installTimeoutMinutes: 60,
    // sshTimeoutMinutes: 10,  // default: build.ssh.timeout of pim.yml
    scriptTimeoutMinutes: 60,
    stallMinutes: 5, // without any sign of progress, after which a build is given up
    // warm: true,             // default: build.warm of pim.yml
    kernelArgs: [],
    qemuArgs: [],
  },

  vars: {}, // free values: `it.vars.x` in templates, $PIM_VAR_X in scripts
} satisfies Profile;
