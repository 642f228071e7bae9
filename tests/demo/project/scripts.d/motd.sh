#!/bin/sh
# A script that the profile lists, with a value of the profile's vars.
set -eu
printf '%s\n' "$PIM_VAR_GREETING" > /etc/motd
