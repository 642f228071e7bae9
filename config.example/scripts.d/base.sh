#!/bin/sh
# Provisioning script that runs first in every build, as root, over SSH.
# The environment has PIM_PROFILE, PIM_ARCH, PIM_USERNAME and PIM_VAR_<NAME> for each of the profile's vars.
set -eu
echo "provisioning $PIM_PROFILE ($PIM_ARCH) on $(uname -r)"
