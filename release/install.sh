#!/bin/sh
# Installs pim for the user who runs it: downloads the binary for this system and SHA256SUMS, compares, and puts the
# binary in place. Nothing is left behind when something goes wrong.
#
#   PIM_VERSION      the version to install (default: the newest)
#   PIM_INSTALL_DIR  the folder for the binary (default: ~/.local/bin)
#   PIM_BASE_URL     where the releases are, if not where this script came from
set -eu

# Filled in when a release is made.
base_url=""

fail() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
  exit 1
}

# The name that Deno has for this system.
find_target() {
  system=$(uname -s)
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) fail "There is no pim for the processor $machine" "There is one for x86_64 and aarch64." ;;
  esac
  case $system in
    Linux)
      need_glibc "$machine"
      echo "$machine-unknown-linux-gnu"
      ;;
    Darwin)
      # A shell that runs translated says x86_64 on Apple's own processors.
      [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || echo 0)" = 0 ] || machine=aarch64
      echo "$machine-apple-darwin"
      ;;
    *)
      fail "This script does not know the system $system" \
        "On Windows download pim-x86_64-pc-windows-msvc.exe from the release's page."
      ;;
  esac
}

need_glibc() {
  case $1 in
    x86_64) loader=/lib64/ld-linux-x86-64.so.2 ;;
    *) loader=/lib/ld-linux-aarch64.so.1 ;;
  esac
  [ -e "$loader" ] || fail "pim needs glibc, and this system has none ($loader is not there)" \
    "From a checkout pim runs with Deno: deno run -A main.ts"
}

# fetch URL FILE
fetch() {
  status=0
  if command -v curl >/dev/null 2>&1; then
    case $1 in
      https:*) curl --proto '=https' -fsSL -o "$2" "$1" || status=$? ;;
      *) curl -fsSL -o "$2" "$1" || status=$? ;;
    esac
    missing=22 unwritten=23
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$2" "$1" || status=$?
    missing=8 unwritten=3
  else
    fail "Neither curl nor wget is here to download with" "Install one of them."
  fi
  case $status in
    0) ;;
    "$missing") fail "$1 is not there" "Is there a release ${version:-at all} at $base_url?" ;;
    "$unwritten") fail "Cannot write to $dir: is the disk full?" "Another folder: PIM_INSTALL_DIR=DIR" ;;
    *) fail "Cannot download $1" "Try again; what is installed stays as it was." ;;
  esac
}

sha256() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum <"$1" | cut -d ' ' -f 1
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 <"$1" | cut -d ' ' -f 1
  else
    fail "Neither sha256sum nor shasum is here to verify the download with" "Nothing was installed."
  fi
}

# verify FILE SUMS NAME
verify() {
  wanted=$(awk -v name="$3" '$2 == name { print $1 }' "$2")
  [ -n "$wanted" ] || fail "SHA256SUMS does not name $3" "Nothing was installed."
  found=$(sha256 "$1")
  [ "$found" = "$wanted" ] || fail "$3 is not what SHA256SUMS says: its SHA-256 is $found, not $wanted" \
    "Nothing was installed. Try again; if it stays so, tell whoever runs $base_url."
}

clean_up() {
  [ -z "${part:-}" ] || rm -rf "$part"
  [ -z "${made:-}" ] || rmdir "$dir" 2>/dev/null || :
}

say_where() {
  printf '%s is in %s\n' "$1" "$dir/pim"
  case ":$PATH:" in
    *":$dir:"*)
      hash -r
      other=$(command -v pim || :)
      [ "$other" = "$dir/pim" ] || printf 'Another one comes first on your PATH: %s\n' "$other"
      ;;
    *)
      # shellcheck disable=SC2016 # the shell that reads ~/.profile shall expand it
      printf 'That folder is not on your PATH. Put this into ~/.profile:\n  export PATH="%s:$PATH"\n' "$dir"
      ;;
  esac
}

main() {
  base_url=${PIM_BASE_URL:-$base_url}
  [ -n "$base_url" ] || fail "This copy of install.sh does not know where releases are" \
    "Take it from a release, or name the place: PIM_BASE_URL=https://…/releases"
  version=${PIM_VERSION:-}
  version=${version#v}
  dir=${PIM_INSTALL_DIR:-${HOME:?HOME is not set; name a folder with PIM_INSTALL_DIR}/.local/bin}
  target=$(find_target)
  name=pim-$target
  from=$base_url/latest/download
  [ -z "$version" ] || from=$base_url/download/v$version

  trap clean_up EXIT
  trap 'exit 130' HUP INT TERM
  [ -d "$dir" ] || made=1
  mkdir -p "$dir" || fail "Cannot make the folder $dir" "Another one: PIM_INSTALL_DIR=DIR"
  # Without CDPATH, which would lead a folder such as "bin" elsewhere.
  dir=$(CDPATH='' cd "$dir" && pwd)
  [ ! -d "$dir/pim" ] || fail "$dir/pim is a folder" "Another place: PIM_INSTALL_DIR=DIR"
  # In the same folder: only so can the binary be put in place in one step.
  part=$(mktemp -d "$dir/.pim-install.XXXXXX") || fail "Cannot write to $dir" "Another folder: PIM_INSTALL_DIR=DIR"
  printf 'downloading %s\n' "$from/$name" >&2
  fetch "$from/SHA256SUMS" "$part/SHA256SUMS"
  fetch "$from/$name" "$part/pim"
  verify "$part/pim" "$part/SHA256SUMS" "$name"
  chmod 755 "$part/pim"
  installed=$("$part/pim" version) || fail "The downloaded pim does not run here" "Nothing was installed."
  mv -f "$part/pim" "$dir/pim"
  made=""
  say_where "$(printf '%s\n' "$installed" | head -n 1)"
}

# Last, so that a script that was cut off on its way does nothing.
main
