#!/bin/sh
# cloud-init sets host name, keys and network of each machine that is made from the image.
set -eu
apt-get update
apt-get install --yes --no-install-recommends cloud-init cloud-guest-utils
