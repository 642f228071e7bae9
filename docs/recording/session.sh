#!/bin/bash
# What the recording shows, typed by this script into a real terminal: an image is built, built again after a change,
# started, asked, and stopped. `pim` is a program on the PATH; the demo's project is ~/images.
set -euo pipefail
cd ~/images

# Shows a command as if it was typed, and runs it.
typed() {
  printf '\e[1;32m$\e[0m '
  sleep 1
  printf '%s\n' "$1"
  sleep 1
  eval "$1"
}

typed "pim build run demo"
typed "echo 'echo edited' >> scripts.d/motd.sh"
typed "pim build plan demo"
typed "pim build run demo"
typed "pim run demo --wait ssh"
typed "pim exec demo -- cat /etc/motd"
typed "pim stop demo"
printf '\e[1;32m$\e[0m '
sleep 1
