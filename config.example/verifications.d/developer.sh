#!/bin/sh
# Checks images of the profile "developer", in place of default.sh.
set -eu
fail() {
  echo "$*"
  exit 1
}

for program in cc curl git jq vim; do
  command -v "$program" > /dev/null || fail "there is no $program"
done
id -nG "$PIM_USERNAME" | grep -qw sudo || fail "$PIM_USERNAME may not use sudo"
grep -q "EDITOR=${PIM_VAR_EDITOR:-vi}" /etc/profile.d/editor.sh || fail "EDITOR is not ${PIM_VAR_EDITOR:-vi}"
echo "the tools of every day are there"
