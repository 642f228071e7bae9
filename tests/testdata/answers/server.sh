#!/bin/sh
# The late command: the installer runs it as root inside the new system, before that system has ever booted. `it` is
# the profile, it.shell() quotes a text. What needs a running system belongs into scripts.d instead. A failure stops
# the installation.
set -eu

user='pim'

# Debian's installer has made the user. Ubuntu leaves that to cloud-init at first boot, which then keeps the account
# as it finds it; making it here puts the keys below into one place on both.
if ! getent passwd "$user" > /dev/null; then
  useradd --create-home --shell /bin/bash --comment 'pim' "$user"
  usermod --password '$6$saltsaltsaltsalt$nozu4aSZ9tvfyqr8kV.PwuNYpJaa6RCOb1XRcivY.S4HEWnm/pcZbgbhIR2EeRNbUrMigQuyF/KzM9qzoEvpz0' "$user"
  for group in adm cdrom dip plugdev lxd; do
    if getent group "$group" > /dev/null; then usermod --append --groups "$group" "$user"; fi
  done
fi
usermod --append --groups sudo "$user"

# Without a password of its own the account could never answer sudo (or vars.sudoWithoutPassword asks for this).
printf '%s ALL=(ALL:ALL) NOPASSWD: ALL\n' "$user" > /etc/sudoers.d/90-pim-user
chmod 0440 /etc/sudoers.d/90-pim-user

# Public keys: the profile's, and during a build the build's own, which finalize takes out again by its comment.
home=$(getent passwd "$user" | cut -d: -f6)
umask 077
mkdir -p "$home/.ssh"
touch "$home/.ssh/authorized_keys"
add_key() {
  grep -qxF -e "$1" "$home/.ssh/authorized_keys" || printf '%s\n' "$1" >> "$home/.ssh/authorized_keys"
}
chmod 0700 "$home/.ssh"
chmod 0600 "$home/.ssh/authorized_keys"
chown -R "$user:" "$home/.ssh"
umask 022

# Services that a build and a VM's owner rely on. Ubuntu starts ssh by its socket.
enable() {
  if [ -e "/usr/lib/systemd/system/$1" ] || [ -e "/lib/systemd/system/$1" ]; then systemctl enable "$1"; fi
}
if ! systemctl is-enabled --quiet ssh.socket 2> /dev/null; then enable ssh.service; fi
enable qemu-guest-agent.service

# Messages follow the locale, not the language that the installer spoke.
if [ -e /etc/default/locale ]; then sed -i '/^LANGUAGE=/d' /etc/default/locale; fi

# A login on the serial console. systemd starts one by itself where the kernel line names that console.
if grep -q 'console=ttyS0' /proc/cmdline && ! grep -qs 'console=ttyS0' /etc/default/grub; then
  systemctl enable serial-getty@ttyS0.service
fi
