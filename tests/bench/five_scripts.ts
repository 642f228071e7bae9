import { join } from "node:path";
import { writeFileAtomic } from "../../lib/files.ts";
import type { DemoIso } from "../demo/make_iso.ts";
import { writeDemoProject } from "../demo/project.ts";

/** Name of the profile with five scripts. */
export const fiveScripts = "bench";

const lastScript = "application";

const profile = `import type { Profile } from "pim";
import demo from "./demo.ts";

export default { ...demo, scripts: ["demo", "motd", "tools", "${lastScript}"] } satisfies Profile;
`;

const tools = `#!/bin/sh
# Settings of a host, as they are in every house.
set -eu
printf '%s\\n' 'net.ipv4.tcp_keepalive_time = 300' 'vm.swappiness = 10' > /etc/sysctl.d/60-house.conf
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\\nSystemMaxUse=100M\\n' > /etc/systemd/journald.conf.d/house.conf
printf '%s\\n' 'alias ll="ls -l"' 'export EDITOR=vi' > /etc/profile.d/house.sh
systemctl disable --quiet apt-daily.timer apt-daily-upgrade.timer || true
`;

const application = (version: number) =>
  `#!/bin/sh
# A service with a user of its own: what changes most often.
set -eu
getent passwd application > /dev/null || useradd --system --home-dir /srv/application --create-home application
echo 'version ${version}' > /srv/application/version
cat > /etc/systemd/system/application.service <<'UNIT'
[Unit]
Description=The application

[Service]
User=application
ExecStart=/bin/sleep infinity

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --quiet application.service
`;

/** Writes the demo's project with a profile of five scripts: base, demo, motd, tools and application. */
export async function writeFiveScripts(project: string, iso: DemoIso): Promise<void> {
  await writeDemoProject(project, iso);
  await writeFileAtomic(join(project, "profiles.d", `${fiveScripts}.ts`), profile);
  await writeFileAtomic(join(project, "scripts.d", "tools.sh"), tools);
  await changeLastScript(project, 1);
}

/** Makes another version of the last of the five scripts. */
export async function changeLastScript(project: string, version: number): Promise<void> {
  await writeFileAtomic(join(project, "scripts.d", `${lastScript}.sh`), application(version));
}
