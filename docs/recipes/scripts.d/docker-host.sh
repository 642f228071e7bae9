#!/bin/sh
# Limits of logs and networks, and who may use Docker without sudo: whoever may is as good as root.
set -eu
install -d /etc/docker
cat > /etc/docker/daemon.json << END
{
  "log-driver": "local",
  "log-opts": { "max-size": "$PIM_VAR_LOG_SIZE" },
  "default-address-pools": [{ "base": "$PIM_VAR_POOL", "size": 24 }],
  "live-restore": true
}
END
systemctl enable docker.service
systemctl restart docker.service
usermod --append --groups docker "$PIM_USERNAME"
