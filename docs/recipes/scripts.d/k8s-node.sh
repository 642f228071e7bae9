#!/bin/sh
# containerd and kubeadm as kubernetes.io describes them. The version is the profile's; apt keeps it there.
set -eu

printf 'overlay\nbr_netfilter\n' > /etc/modules-load.d/kubernetes.conf
printf 'net.ipv4.ip_forward = 1\nnet.bridge.bridge-nf-call-iptables = 1\n' > /etc/sysctl.d/90-kubernetes.conf

# The kubelet of Debian and containerd must agree on who manages cgroups.
install -d /etc/containerd
containerd config default | sed 's/SystemdCgroup = false/SystemdCgroup = true/' > /etc/containerd/config.toml
systemctl enable containerd.service

url="https://pkgs.k8s.io/core:/stable:/v$PIM_VAR_MINOR/deb"
keyring=/etc/apt/keyrings/kubernetes.gpg
install -d /etc/apt/keyrings
curl --fail --silent --show-error --location "$url/Release.key" | gpg --dearmor --yes --output "$keyring"
found=$(gpg --show-keys --with-colons "$keyring" | awk -F: '/^fpr/ { print $10; exit }')
if [ "$found" != "$PIM_VAR_SIGNED_BY" ]; then
  echo "the packages of Kubernetes are signed by $found, not by $PIM_VAR_SIGNED_BY"
  exit 1
fi
echo "deb [signed-by=$keyring] $url/ /" > /etc/apt/sources.list.d/kubernetes.list
apt-get update
apt-get install --yes kubelet kubeadm kubectl
apt-mark hold kubelet kubeadm kubectl
systemctl enable kubelet.service
