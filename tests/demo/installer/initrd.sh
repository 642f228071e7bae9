#!/bin/sh
# Runs in /root/installer of the new root file system, which has cpio and kmod of the right release. Turns Debian's
# netboot installer into /root/boot/{vmlinuz,initrd.gz}: its initrd, with our menu item and the kernel modules that it
# otherwise downloads as components.
#   initrd.sh unpack   from debian-installer-*-netboot-amd64_*.deb; writes the kernel's release to the file kernel
#   initrd.sh build    wants linux-image-<that release>_*.deb beside it
set -eu
cd "$(dirname "$0")"
modules="loop isofs squashfs ext4 virtio_blk virtio_scsi sr_mod sd_mod ahci ata_piix nvme"

unpack() {
	dpkg-deb -x debian-installer-*.deb netboot
	mkdir -p initrd /root/boot
	cp netboot/usr/lib/debian-installer/images/*/amd64/text/debian-installer/amd64/linux /root/boot/vmlinuz
	cp netboot/usr/lib/debian-installer/images/*/amd64/text/debian-installer/amd64/initrd.gz /root/boot/initrd.gz
	gzip -dc /root/boot/initrd.gz | (cd initrd && cpio -id --quiet '*lib/modules/*' 'var/lib/dpkg/info/*.templates')
	ls initrd/lib/modules initrd/usr/lib/modules 2>/dev/null | grep '^[0-9]' >kernel
}

# The files of the modules and of all that they need, as paths under /lib/modules.
module_files() {
	for module in $modules; do
		modprobe -d "$PWD/image" -S "$1" -D "$module" 2>/dev/null || true
	done | sed -n 's,^insmod [^ ]*/lib/modules/\([^ ]*\).*,\1,p' | sort -u
}

# Fields such as "Description-de.UTF-8" and their continuation lines. The installer reads all templates again and again:
# without translations it is a third faster under emulation.
drop_translations() {
	awk '/^[A-Za-z]/ { drop = /^[A-Za-z]+-[A-Za-z_@]+\.UTF-8:/ && !/^[A-Za-z]+-en\.UTF-8:/ } /^$/ { drop = 0 } !drop' "$1"
}

build() {
	kernel=$(cat kernel)
	# A directory laid over the symbolic link lib -> usr/lib would replace it: stay in the folder the initrd has.
	lib=lib
	if [ ! -d initrd/lib/modules ]; then
		lib=usr/lib
		ln -s usr/lib initrd/lib
	fi
	dpkg-deb -x linux-image-*.deb image
	[ -e image/lib ] || ln -s usr/lib image/lib
	depmod -b image "$kernel"
	module_files "$kernel" | while read -r file; do
		[ ! -e "initrd/$lib/modules/$file" ] || continue
		for tree in initrd overlay; do
			mkdir -p "$tree/$lib/modules/${file%/*}"
			cp "image/lib/modules/$file" "$tree/$lib/modules/$file"
		done
	done
	depmod -b initrd "$kernel"
	cp initrd/$lib/modules/"$kernel"/modules.* overlay/$lib/modules/"$kernel"/

	chmod 755 udeb/DEBIAN/postinst
	dpkg-deb --root-owner-group -Zgzip --build udeb overlay/demo-install.udeb
	mkdir -p overlay/$lib/debian-installer-startup.d
	install -m 644 S21demo-install overlay/$lib/debian-installer-startup.d/
	mkdir -p overlay/var/lib/dpkg/info
	for templates in initrd/var/lib/dpkg/info/*.templates; do
		drop_translations "$templates" >"overlay/var/lib/dpkg/info/${templates##*/}"
	done
	(cd overlay && find . | sort | cpio -o -H newc -R 0:0 --quiet | gzip -9n) >>/root/boot/initrd.gz
	cp /etc/debian_version /root/boot/debian_version
}

"$1"
