#!/bin/sh
# Takes out of a finished system what belongs to its build or to one machine only. Runs as root, last of all scripts.
set -eu
home=$(getent passwd "$PIM_SSH_USER" | cut -d: -f6)

# What a machine made from the image must not share with another: identity and host keys are made anew at first boot.
# As `cloud-init clean --logs` does it, without the seconds that Python takes to start in an emulated machine.
if command -v cloud-init >/dev/null; then
  for part in /etc/cloud/clean.d/*; do
    if [ -x "$part" ]; then "$part" || true; fi
  done
  if [ -d /var/lib/cloud ]; then
    find /var/lib/cloud -mindepth 1 -maxdepth 1 ! -name seed -exec rm -rf {} +
  fi
  rm -f /var/log/cloud-init.log /var/log/cloud-init-output.log
fi
: > /etc/machine-id
if [ -e /var/lib/dbus ] && [ ! -L /var/lib/dbus/machine-id ]; then
  ln -sf /etc/machine-id /var/lib/dbus/machine-id
fi
rm -f /var/lib/systemd/random-seed /var/lib/systemd/credential.secret
rm -f /var/lib/dhcp/*.lease* /var/lib/NetworkManager/*.lease /run/systemd/netif/leases/* 2>/dev/null || true
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
if command -v systemctl >/dev/null; then
  cat > /etc/systemd/system/pim-host-keys.service <<'UNIT'
[Unit]
Description=Generate SSH host keys at first boot
Before=ssh.service sshd.service ssh.socket
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
UNIT
  # The system is about to go: it need not read its units anew.
  systemctl enable --quiet --no-reload pim-host-keys.service
fi

# The build's own way in.
for keys in "$home/.ssh/authorized_keys" /root/.ssh/authorized_keys; do
  [ -f "$keys" ] || continue
  sed -i "/ $PIM_KEY_COMMENT\$/d" "$keys"
  if [ ! -s "$keys" ]; then rm -f "$keys"; fi
done

# Caches, logs and traces.
if command -v apt-get >/dev/null; then
  apt-get clean
  rm -rf /var/lib/apt/lists/*
fi
# From here on the journal stays in memory.
if command -v journalctl >/dev/null; then journalctl --quiet --relinquish-var 2>/dev/null || true; fi
rm -rf /var/log/journal/* /var/log/installer
find /var/log -type f -exec truncate -s 0 {} +
rm -rf /tmp/* /var/tmp/* "$home/.cache" "$home/.bash_history" /root/.bash_history
rm -rf "${home:?}/$PIM_GUEST_FOLDER"

sync
# Hands unused blocks back to the disk image. Not every file system and device can.
fstrim --all 2>/dev/null || true
sync
