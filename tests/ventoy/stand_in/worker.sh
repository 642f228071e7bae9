#!/bin/bash
# Stands in for Ventoy's tool/VentoyWorker.sh: takes what that one takes, asks what it asks, and leaves the same layout behind. It
# is stricter: whatever the real one would not be told by pim is refused.
fail() { echo -e "\033[31m$*\033[0m"; exit 1; }
warn() { echo -e "\033[33m$*\033[0m"; }

version=$(cat ./ventoy/version) || fail "Please run under the correct directory!"

label=Ventoy gpt= force= mode= disk=
while [ -n "$1" ]; do
  case "$1" in
    -i) mode=install ;;
    -I) mode=install; force=y ;;
    -u) mode=update ;;
    -s | -S) [ -z "$secure" ] || fail "-s or -S, not both"; secure=$1 ;;
    -g) gpt=y ;;
    -L) shift; label=$1 ;;
    *) [ -b "$1" ] || fail "$1 is NOT a valid device"; [ -z "$disk" ] || fail "two disks"; disk=$1 ;;
  esac
  shift
done
[ -n "$mode" ] && [ -n "$disk" ] || fail "Usage: Ventoy2Disk.sh CMD [ OPTION ] /dev/sdX"
[ "$USER" = root ] || fail "EUID is $EUID root permission is required."
[ -e "/sys/class/block/${disk#/dev/}/start" ] && fail "$disk is a partition, please use the whole disk."
grep -q "^$disk" /proc/mounts && fail "$disk is already mounted, please umount it first!"

part1=${disk}p1 part2=${disk}p2
ask() {
  read -r -p "$1" answer || fail "nobody answers"
  [ "$answer" = y ] || [ "$answer" = Y ] || exit 0
}
write_boot() {
  mkfs.vfat -F 16 -n VTOYEFI -s 1 "$part2" > /dev/null || exit 1
  config=$(mktemp)
  printf '# Ventoy\nset VENTOY_VERSION="%s"\nexport VENTOY_VERSION\n' "$version" > "$config"
  mmd -i "$part2" ::/grub ::/ventoy && mcopy -i "$part2" "$config" ::/grub/grub.cfg || exit 1
  rm -f "$config"
}

has_ventoy=
[ "$(cat "/sys/class/block/${part1#/dev/}/start" 2> /dev/null)" = 2048 ] &&
  [ "$(cat "/sys/class/block/${part2#/dev/}/size" 2> /dev/null)" = 65536 ] && has_ventoy=y

if [ "$mode" = update ]; then
  [ -n "$has_ventoy" ] || { warn "$disk does not contain Ventoy or data corrupted"; exit 1; }
  ask "Update Ventoy ===> $version   Continue? (y/n) "
  write_boot
  echo "Update Ventoy to $disk successfully finished."
  exit 0
fi

if [ -n "$has_ventoy" ] && [ -z "$force" ]; then
  warn "$disk already contains a Ventoy"
  exit 1
fi
warn "All the data on the disk $disk will be lost!!!"
ask 'Continue? (y/n) '
ask 'Double-check. Continue? (y/n) '
case "$PIM_TEST_INSTALLER" in
  fails) fail "Write data to $disk failed, please check whether it's in use." ;;
  idle) exit 0 ;;
  lies) echo "Install Ventoy to $disk successfully finished."; exit 0 ;;
esac
partx -d "$disk" 2> /dev/null
sectors=$(cat "/sys/class/block/${disk#/dev/}/size")
tail=$([ -n "$gpt" ] && echo 33 || echo 0)
start2=$(((sectors - 65536 - tail) / 8 * 8))
if [ -n "$gpt" ]; then
  printf 'label: gpt\n2048,%d,EBD0A0A2-B9E5-4433-87C0-68B6B72699C7\n%d,65536,EBD0A0A2-B9E5-4433-87C0-68B6B72699C7\n' \
    $((start2 - 2048)) "$start2"
else
  printf 'label: dos\n2048,%d,7,*\n%d,65536,ef\n' $((start2 - 2048)) "$start2"
fi | sfdisk --quiet --no-reread --no-tell-kernel "$disk" || fail "cannot partition $disk"
partx -u "$disk" || fail "the kernel does not see the partitions"
mkfs.exfat -L "$label" "$part1" > /dev/null || fail "mkexfatfs failed"
write_boot
sync
echo "Install Ventoy to $disk successfully finished."
