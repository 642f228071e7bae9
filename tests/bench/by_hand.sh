#!/bin/sh
# The demo's build driven by hand with plain QEMU and ssh: the yardstick for `pim build run demo`.
#
#   by_hand.sh ISO WORK OUT.qcow2
#
# The same machine (disk, memory, CPUs, accelerator, devices), the same kernel line but for the remote log, the same
# answer files, two boots, the same scripts in the same order with the same variables, pim's own finalize.sh, power-off,
# one compact qcow2. It does not verify the ISO, keep logs apart, watch for errors, hash the image or write a registry:
# what those cost pim is what the comparison shows. WORK holds what by_hand.ts has prepared:
#   key             private key that the guest lets in
#   scripts/        provisioning scripts, NAME and NAME.env, and `order` with their names
# and the environment has MACHINE (QEMU's arguments for accelerator, CPUs and memory), DISK_BYTES, APPEND (the kernel
# line), SSH_PORT, GUEST_USER, PASSWORD and GUEST_FOLDER. Times go to stderr.
set -eu
iso=$1
work=$2
out=$3
began=$(date +%s)
qemu=
# A short path: the names of sockets end at 104 bytes.
sockets=$(mktemp -d)

cleanup() {
	guest_ssh -O exit 2>/dev/null || true
	[ -z "$qemu" ] || kill "$qemu" 2>/dev/null || true
	rm -rf "$sockets"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { echo "$(($(date +%s) - began)) s: $*" >&2; }

machine() {
	# shellcheck disable=SC2086 -- MACHINE is several arguments
	exec qemu-system-x86_64 -name by-hand -nodefaults -machine q35 $MACHINE -display none -monitor none \
		-device VGA,addr=0x1 \
		-netdev "user,id=net0,hostfwd=tcp:127.0.0.1:$SSH_PORT-:22" \
		-device virtio-net-pci,netdev=net0,romfile=,addr=0x2 \
		-device virtio-serial-pci,addr=0x3 -chardev "socket,id=agent,path=$sockets/agent,server=on,wait=off" \
		-device virtserialport,chardev=agent,name=org.qemu.guest_agent.0 \
		-device virtio-rng-pci,addr=0x4 \
		-drive "id=disk,if=none,file=$work/disk.qcow2,format=qcow2,cache=unsafe,discard=unmap,detect-zeroes=unmap" \
		-device virtio-blk-pci,drive=disk,addr=0x8,bootindex=1 \
		-no-reboot "$@"
}

# All calls share one connection, as a person who waits for each of them would have it.
guest_ssh() {
	ssh -F /dev/null -q -S "$sockets/ssh" -o ControlMaster=auto -o ControlPersist=yes -i "$work/key" \
		-o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=30 -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -p "$SSH_PORT" "$GUEST_USER@127.0.0.1" "$@"
}

as_root() { printf '%s\n' "$PASSWORD" | guest_ssh "sudo -S -p '' $*"; }

# QEMU accepts connections before the guest does, so the port says nothing: sshd's first line does.
ssh_answers() {
	timeout 2 bash -c "exec 3<>/dev/tcp/127.0.0.1/$SSH_PORT && read -r line <&3 && [ \"\${line#SSH-}\" != \"\$line\" ]" \
		2>/dev/null
}

wait_for_ssh() {
	deadline=$(($(date +%s) + 600))
	until ssh_answers && guest_ssh true 2>/dev/null; do
		[ "$(date +%s)" -lt "$deadline" ] || { say "SSH did not answer in 10 minutes"; exit 1; }
		kill -0 "$qemu" 2>/dev/null || { say "QEMU ended before SSH answered"; exit 1; }
		sleep 0.2
	done
}

xorriso -osirrox on -indev "$iso" -extract /install.amd/vmlinuz "$work/vmlinuz" \
	-extract /install.amd/initrd.gz "$work/initrd.gz" >"$work/xorriso.log" 2>&1 || { cat "$work/xorriso.log" >&2; exit 1; }
qemu-img create -q -f qcow2 "$work/disk.qcow2" "$DISK_BYTES"

say "installing"
machine -serial "file:$work/install.log" -drive "id=cd,if=none,file=$iso,format=raw,readonly=on" \
	-device ide-cd,drive=cd,bus=ide.0 -kernel "$work/vmlinuz" -initrd "$work/initrd.gz" -append "$APPEND" &
qemu=$!
wait "$qemu"

say "installed; starting from disk"
machine -serial "file:$work/boot.log" &
qemu=$!
wait_for_ssh

say "SSH answers; running the scripts"
tar -C "$work/scripts" -c . | guest_ssh "umask 077 && mkdir $GUEST_FOLDER && tar -C $GUEST_FOLDER -x"
while read -r name <&3; do
	as_root "sh -c '. ./$GUEST_FOLDER/$name.env && exec ./$GUEST_FOLDER/$name'" >"$work/script.log" 2>&1 ||
		{ say "the script $name failed:"; cat "$work/script.log" >&2; exit 1; }
done 3<"$work/scripts/order"
as_root systemctl poweroff >"$work/script.log" 2>&1 || true
wait "$qemu"
qemu=

say "powered off; writing the image"
qemu-img convert -O qcow2 "$work/disk.qcow2" "$out"
say "done, $(du -m "$out" | cut -f1) MB"
