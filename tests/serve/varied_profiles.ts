import type { Profile, Var } from "../../lib/profile/types.ts";

const ecRecipe = `boot-root ::
    40 300 300 ext4 $primary{ } $bootable{ } method{ format } format{ }
        use_filesystem{ } filesystem{ ext4 } mountpoint{ /boot } .
    500 10000 1000000000 ext4 method{ format } format{ } use_filesystem{ } filesystem{ ext4 } mountpoint{ / } .
    64 512 300% linux-swap method{ swap } format{ } .`;

// Lists of different, mostly coprime lengths, so that thirty profiles meet many combinations.
const fullnames = [
  "Ann",
  "Zoë O'Neill",
  "李小龙",
  'Bob "B" Builder',
  "محمد",
  "a, b & c; $(reboot) `id` #x",
  "Ünïcödé 🦊",
];
const passwords = [
  "pim",
  'it\'s "quoted"',
  "a:b:c",
  "back\\slash$HOME",
  "пароль",
  " # spaced  ",
  "%s${x}!*?",
  "-----",
];
const hostnames = ["web", "db-01", "X", "a".repeat(63), "host5"];
const domains = ["", "example.org", "a.b.c.internal"];
const mirrors = [
  undefined,
  "mirror.example.org",
  "10.0.2.2:18080",
  "mirror.local:3142",
  "[fd00::1]:80",
  "ftp.de.debian.org",
];
const proxies = [undefined, "", "http://proxy:3128", "http://user:p%40ss@proxy.example.org:8080/"];
const packageLists = [
  [],
  ["git"],
  ["sudo", "vim", "sudo"],
  Array.from({ length: 120 }, (_, n) => `pkg${n}-dev`),
  ["g++", "libc6:amd64"],
];
const keyLists = [[], ["ssh-ed25519 AAAA a@b"], [
  "ssh-rsa AAAA it's me",
  'from="10.0.0.*",no-pty ssh-ed25519 AAAA "q" $x',
  " ",
]];
const disks = [
  {},
  { method: "lvm", disk: "/dev/sda" },
  { method: "crypto", recipe: "multi" },
  { recipe: ecRecipe, filesystem: "xfs" },
  { method: "regular", recipe: "home", filesystem: "btrfs", disk: "/dev/nvme0n1" },
] as const;
const locales = [["en_US.UTF-8", "us", "UTC"], ["de_DE.UTF-8", "de", "Europe/Berlin"], [
  "C.UTF-8",
  "gb",
  "Etc/GMT+5",
]] as const;
const lines = [
  [],
  ["d-i debian-installer/exit/poweroff boolean true", "# a comment", "d-i time/zone string Asia/Tokyo"],
  [
    "tasksel tasksel/first multiselect standard, ssh-server",
    "d-i preseed/early_command string echo 'a b' \\",
    "  > /tmp/x",
  ],
];
const maps: { [key: string]: Var }[] = [
  {},
  { updates: "all", packages: ["jq: x", "- y", "#z"], identity: { realname: "on" } },
  {
    storage: { layout: { name: "zfs" } },
    "user-data": { runcmd: [["echo", "yes: no"]], disable_root: false },
  },
  {
    network: { version: 2, ethernets: { any: { match: { name: "en*" }, dhcp4: true } } },
    "kernel-crash-dumps": { enabled: false },
  },
];

function pick<T>(from: readonly T[], n: number): T {
  return from[n % from.length] as T;
}

/** The nth of the varied profiles: for the preseed, and the same with what Ubuntu can do for the user-data. */
export function variedProfile(n: number): { debian: Profile; ubuntu: Profile } {
  const [locale, keyboard, timezone] = pick(locales, n);
  const common: Profile = {
    username: pick(["pim", "ansible", "_svc-1", "u"], n),
    fullname: pick(fullnames, n),
    ...(n % 7 === 6
      ? {}
      : n % 7 === 5
      ? { passwordHash: "$y$j9T$F5Jx$kQ/." }
      : { password: pick(passwords, n) }),
    rootLogin: n % 3 === 1,
    hostname: pick(hostnames, n),
    domain: pick(domains, n),
    locale,
    keyboard,
    timezone,
    mirrorHost: pick(mirrors, n),
    mirrorPath: n % 4 === 3 ? "/mirror/debian" : undefined,
    httpProxy: pick(proxies, n),
    packages: [...pick(packageLists, n)],
    tasksel: n % 2 === 0 ? [] : ["standard", "ssh-server"],
    sshAuthorizedKeys: [...pick(keyLists, n)],
    grubDevice: n % 5 === 2 ? "/dev/vdb" : undefined,
    vars: {
      diskPassphrase: pick(["secret", "a \"b\" 'c'"], n),
      ...(n % 2 ? { sudoWithoutPassword: n % 4 === 1 } : {}),
    },
  };
  const { method, disk } = { method: undefined, disk: undefined, ...pick(disks, n) };
  return {
    debian: { ...common, partitioning: pick(disks, n), answers: pick(lines, n) },
    ubuntu: { ...common, partitioning: { method, disk }, answers: pick(maps, n) },
  };
}
