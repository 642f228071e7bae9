#!/bin/sh
set -eu
fail() {
  echo "$*"
  exit 1
}
systemctl is-active --quiet docker.service || fail "Docker does not run"
id -nG "$PIM_USERNAME" | grep -qw docker || fail "$PIM_USERNAME may not use Docker"
docker info --format 'Docker {{.ServerVersion}}, {{.LoggingDriver}} logs'
