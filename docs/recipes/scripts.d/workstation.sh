#!/bin/sh
# What a new user of the machine finds.
set -eu
printf 'export EDITOR=%s\n' "$PIM_VAR_EDITOR" > /etc/profile.d/editor.sh
git config --system init.defaultBranch "$PIM_VAR_GIT_BRANCH"
# Containers of the user go on when the session ends.
mkdir -p /var/lib/systemd/linger
touch "/var/lib/systemd/linger/$PIM_USERNAME"
