#!/bin/sh
set -eu
fail() {
  echo "$*"
  exit 1
}
[ -z "$(swapon --noheadings --show)" ] || fail "there is swap, and the kubelet does not start beside it"
systemctl is-active --quiet containerd.service || fail "containerd does not run"
grep -q 'SystemdCgroup = true' /etc/containerd/config.toml || fail "containerd does not leave cgroups to systemd"
[ "$(sysctl --values net.ipv4.ip_forward)" = 1 ] || fail "packets are not forwarded"
[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || fail "the module br_netfilter is not loaded"
version=$(kubeadm version --output short)
case $version in
  "v$PIM_VAR_MINOR."*) echo "kubeadm $version" ;;
  *) fail "kubeadm is $version, not v$PIM_VAR_MINOR" ;;
esac
