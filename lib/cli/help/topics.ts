import type { Described } from "./parameters.ts";

/** What `pim help` knows besides commands; manual pages have it too. */
export interface Topic {
  readonly title: string;
  readonly rows: readonly Described[];
}

const exitCodes: Topic = {
  title: "EXIT CODES",
  rows: [
    { term: "0", brief: "done" },
    { term: "1", brief: "failure" },
    { term: "2", brief: "wrong usage or configuration" },
    { term: "3", brief: "host not ready" },
    { term: "4", brief: "download failed" },
    { term: "5", brief: "checksum or signature wrong" },
    { term: "6", brief: "install or SSH timed out or stalled" },
    { term: "7", brief: "provisioning script failed" },
    { term: "8", brief: "verification failed" },
    { term: "9", brief: "deploy failed" },
    { term: "130", brief: "cancelled" },
  ],
};

const environment: Topic = {
  title: "ENVIRONMENT",
  rows: [
    { term: "PIM_<SETTING>", brief: "A setting of pim.yml: PIM_BUILD_DISK_SIZE is build.disk_size" },
    { term: "PIM_PROJECT", brief: "The project folder, as --project says" },
    { term: "PIM_LOG", brief: "debug or quiet, as --debug and --quiet say" },
    { term: "PIM_CONFIG_DIR", brief: "Configuration (default: $XDG_CONFIG_HOME/pim, ~/.config/pim)" },
    { term: "PIM_DATA_DIR", brief: "Images and VMs (default: $XDG_DATA_HOME/pim, ~/.local/share/pim)" },
    { term: "PIM_CACHE_DIR", brief: "ISOs and layers (default: $XDG_CACHE_HOME/pim, ~/.cache/pim)" },
    { term: "PIM_RUNTIME_DIR", brief: "Sockets of VMs that run (default: $XDG_RUNTIME_DIR/pim, /tmp/pim)" },
    { term: "http_proxy, https_proxy, no_proxy", brief: "Proxies for downloads" },
    { term: "NO_COLOR", brief: "No colours" },
  ],
};

const files: Topic = {
  title: "FILES",
  rows: [
    { term: "pim.yml", brief: "Settings; its presence makes a folder a project" },
    { term: "isos.d/*.yml", brief: "The ISO catalog" },
    { term: "profiles.d/*.ts", brief: "Profiles: what an installed system shall be" },
    { term: "targets.d/*.yml", brief: "Places that images are deployed to" },
    { term: "preseeds.d/<profile>.{cfg,user-data}.eta", brief: "Templates of answer files" },
    { term: "installs.d/<profile>.sh", brief: "Late command: runs in the installer, inside the new system" },
    { term: "scripts.d/<name>.sh", brief: "Provisioning scripts: run as root over SSH" },
    { term: "verifications.d/<profile>.sh", brief: "Checks of a finished image: run as root in it" },
  ],
};

/** The topics by the word that `pim help` takes. */
export const topics = { "exit-codes": exitCodes, environment, files } as const satisfies Record<
  string,
  Topic
>;
