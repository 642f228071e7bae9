#!/bin/sh
# Runs inside the new root file system once all packages are there: the last touches before it is packed.
set -eu
# usrmerge has done its work; its successor is empty and does not bring 70 MB of Perl modules.
if dpkg-query -W usrmerge >/dev/null 2>&1; then
	apt-get -q -y -o APT::Sandbox::User=root install --purge /root/installer/usr-is-merged_*.deb usrmerge-
	dpkg-query -W -f '${Package}\n' perl 'perl-modules-*' 'libperl5*' 'lib*-perl' | xargs apt-get -q -y purge
fi
sed -i 's/^# *\(en_US.UTF-8 UTF-8\)/\1/' /etc/locale.gen
locale-gen >/dev/null
systemctl enable --quiet systemd-networkd systemd-resolved ssh serial-getty@ttyS0.service
# Nothing in the demo waits for the network to be complete; under emulation the wait costs seconds.
systemctl disable --quiet systemd-networkd-wait-online.service
# These look after LVM snapshots, of which there are none, with a slow shell script at each boot.
systemctl disable --quiet e2scrub_reap.service e2scrub_all.timer
update-initramfs -u >/dev/null
# These are each machine's own: the installer makes them.
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id
: >/etc/machine-id
# What the making of this file system told apt and dpkg is no part of the installed system.
rm -f /etc/apt/apt.conf.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/99mmdebstrap
rm -rf /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/*.log /var/log/apt /customize.sh
