#!/bin/sh
# Runs after base.sh when the profile "developer" is built; default.sh would serve profiles without a script of their own.
set -eu
printf 'export EDITOR=%s\n' "${PIM_VAR_EDITOR:-vi}" > /etc/profile.d/editor.sh
