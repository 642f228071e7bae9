#!/bin/sh
# Verification script: `pim verify` and `pim build run --verify` run it as root in a machine that was booted from the
# image and is thrown away afterwards. An exit status other than 0 says that the image is not as it shall be; the last
# line is shown as the reason. The environment is that of provisioning scripts: PIM_PROFILE, PIM_ARCH, PIM_USERNAME,
# PIM_HOSTNAME and PIM_VAR_<NAME> for each of the profile's vars. A script named after a profile is run in its place.
set -eu
fail() {
  echo "$*"
  exit 1
}

used=$(df -P / | awk 'NR == 2 { sub("%", "", $5); print $5 }')
[ "$used" -lt 90 ] || fail "the root file system is $used % full"
[ -s /etc/resolv.conf ] || fail "there is no name server: /etc/resolv.conf is empty"
echo "the root file system is $used % full, and there is a name server"
