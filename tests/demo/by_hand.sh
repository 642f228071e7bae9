#!/bin/sh
# The demo build driven by hand with plain QEMU and ssh: the yardstick for `pim build run`.
#   by_hand.sh ISO OUT.qcow2
# ACCEL and MEMORY (MiB) in the environment change the machine; WORK keeps the working folder. Times go to stderr.
set -eu
iso=$1
out=$2
accel=${ACCEL:-tcg,thread=multi}
memory=${MEMORY:-2048}
work=${WORK:-$(mktemp -d)}
mkdir -p "$work/www"
began=$(date +%s)
server=
qemu=

cleanup() {
	for pid in $qemu $server; do kill "$pid" 2>/dev/null || true; done
	[ -n "${WORK:-}" ] || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { echo "$(($(date +%s) - began)) s: $*" >&2; }

# free_port: a TCP port of the loopback that nobody listens on.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

machine() {
	qemu-system-x86_64 -name by-hand -machine q35 -accel "$accel" -cpu max -smp 2 -m "$memory" \
		-display none -monitor none -device virtio-rng-pci \
		-drive "file=$work/disk.qcow2,if=virtio,format=qcow2,cache=unsafe,discard=unmap,detect-zeroes=unmap" \
		-netdev "user,id=net0,hostfwd=tcp:127.0.0.1:$ssh_port-:22" -device virtio-net-pci,netdev=net0,addr=0x10 \
		-device virtio-serial-pci -device virtserialport,chardev=agent,name=org.qemu.guest_agent.0 \
		-chardev "socket,id=agent,path=$work/agent.sock,server=on,wait=off" \
		-no-reboot "$@"
}

guest() {
	ssh -q -i "$work/key" -p "$ssh_port" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o ConnectTimeout=5 demo@127.0.0.1 "$@"
}

write_preseed() {
	cat >"$work/www/preseed.cfg" <<EOF
d-i debian-installer/locale string en_US.UTF-8
d-i keyboard-configuration/xkb-keymap select us
d-i time/zone string Europe/Berlin
d-i passwd/root-login boolean false
d-i passwd/user-fullname string Demo User
d-i passwd/username string demo
d-i passwd/user-password password demo
d-i passwd/user-password-again password demo
d-i pkgsel/include string openssh-server sudo qemu-guest-agent jq curl
d-i finish-install/reboot_in_progress note
d-i preseed/late_command string wget -q -O /target/root/install.sh http://10.0.2.2:$http_port/install.sh && in-target sh /root/install.sh
EOF
	cat >"$work/www/install.sh" <<EOF
set -e
install -d -m 700 -o demo -g demo /home/demo/.ssh
echo '$(cat "$work/key.pub")' >/home/demo/.ssh/authorized_keys
chown demo:demo /home/demo/.ssh/authorized_keys
echo 'demo ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/demo
date >/etc/late-command
EOF
}

ssh_port=$(free_port)
http_port=$(free_port)
ssh-keygen -q -t ed25519 -N '' -f "$work/key"
write_preseed
python3 -m http.server --bind 127.0.0.1 --directory "$work/www" "$http_port" >"$work/http.log" 2>&1 &
server=$!
xorriso -osirrox on -indev "$iso" -extract /install.amd/vmlinuz "$work/vmlinuz" \
	-extract /install.amd/initrd.gz "$work/initrd.gz" >/dev/null 2>&1
qemu-img create -q -f qcow2 "$work/disk.qcow2" 20G

say "installing"
machine -cdrom "$iso" -serial "file:$work/install.log" -kernel "$work/vmlinuz" -initrd "$work/initrd.gz" -append \
	"auto=true priority=critical url=http://10.0.2.2:$http_port/preseed.cfg hostname=demo domain= \
console=ttyS0,115200n8 DEBIAN_FRONTEND=text ${KERNEL_ARGS:-} --- quiet" &
qemu=$!
wait "$qemu"

say "installed; starting from disk"
machine -serial "file:$work/boot.log" &
qemu=$!
deadline=$(($(date +%s) + 600))
until guest true 2>/dev/null; do
	[ "$(date +%s)" -lt "$deadline" ] || { say "SSH did not answer in 10 minutes"; exit 1; }
	kill -0 "$qemu" 2>/dev/null || { say "QEMU ended before SSH answered"; exit 1; }
	sleep 0.3
done

say "SSH answers; running the scripts"
echo 'set -e; echo hello >/etc/demo-script; uname -a' | guest sudo sh -s >"$work/script.log"
echo 'set -e; rm -rf /var/lib/apt/lists/* /tmp/*; : >/etc/machine-id; fstrim /' | guest sudo sh -s >>"$work/script.log"
guest sudo systemctl poweroff 2>/dev/null || true
wait "$qemu"
qemu=

say "powered off; writing $out"
qemu-img convert -O qcow2 "$work/disk.qcow2" "$out"
say "done, $(du -m "$out" | cut -f1) MB"
