#!/bin/sh
# The script named after the profile. It is bash's or sh's business alone: the first line decides.
set -eu
printf '%s\n' "$PIM_PROFILE $PIM_ARCH" > /etc/pim-demo
