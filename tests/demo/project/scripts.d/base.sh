#!/bin/sh
set -eu
echo "provisioning $PIM_PROFILE for $PIM_ARCH as $(id -un)"
date --utc > /etc/pim-base
