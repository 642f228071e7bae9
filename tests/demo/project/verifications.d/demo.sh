#!/bin/sh
# What an image of the demo must be able to show; `pim verify demo` runs it as root.
set -eu
test "$(id -u)" = 0
grep -qF "$PIM_VAR_GREETING" /etc/motd
echo "greeting: $PIM_VAR_GREETING"
