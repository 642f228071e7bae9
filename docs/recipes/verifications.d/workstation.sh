#!/bin/sh
set -eu
fail() {
  echo "$*"
  exit 1
}
for program in cc git jq podman rg tmux; do
  command -v "$program" > /dev/null || fail "there is no $program"
done
findmnt --noheadings /home > /dev/null || fail "/home is no file system of its own"
grep -q "^$PIM_USERNAME:" /etc/subuid || fail "$PIM_USERNAME has no subordinate ids for containers"
echo "the tools are there, and /home is a file system of its own"
