#!/usr/bin/env bash
# Checks for Swift and the system libraries that dd2 builds on; installs missing libraries on Debian and Ubuntu.
# Does nothing where all is there. Arguments: Debian packages that are wanted beside them. Exit codes follow sysexits: 69 where something cannot be had.
set -euo pipefail

packages=(libopenblas-dev libpng-dev libjpeg-dev libhdf5-dev libssl-dev zlib1g-dev pkg-config curl)
swift_needed=6.1

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 69
}

check_swift() {
  command -v swift >/dev/null ||
    fail "Swift is not installed or not on PATH; dd2 needs $swift_needed or newer: https://www.swift.org/install/linux/"
  local text version
  text=$(swift --version 2>&1) || fail "'swift --version' fails; reinstall Swift $swift_needed or newer"
  version=$(sed -n 's/.*Swift version \([0-9][0-9]*\(\.[0-9][0-9]*\)*\).*/\1/p' <<<"$text" | sed -n 1p)
  [ -n "$version" ] || fail "cannot read a version from 'swift --version'; dd2 needs $swift_needed or newer"
  local major=${version%%.*} minor=0
  case $version in *.*) minor=${version#*.} minor=${minor%%.*} ;; esac
  ((major > ${swift_needed%.*} || (major == ${swift_needed%.*} && minor >= ${swift_needed#*.}))) ||
    fail "Swift $version is too old; dd2 needs $swift_needed or newer: https://www.swift.org/install/linux/"
  say "Swift $version"
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Runs a command as root: as it is, or through sudo, which may ask only where somebody can answer.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

install_packages() {
  local list="$*"
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    fail "missing: $list; neither root nor sudo here; have an administrator run: apt-get install $list"
  fi
  say "installing $list with apt-get"
  as_root apt-get update -qq >&2 || say "apt-get update failed; trying with the package lists at hand"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 ||
    fail "could not install $list; see apt-get's message above, or have an administrator install them"
}

check_libraries() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    if pkg-config --exists openblas libpng libjpeg hdf5 libcrypto zlib 2>/dev/null; then
      say "OpenBLAS, libpng, libjpeg, HDF5, libcrypto and zlib found by pkg-config"
    else
      say "not Debian or Ubuntu, not checked: install OpenBLAS, libpng, libjpeg, HDF5, OpenSSL, zlib (with headers), pkg-config"
    fi
    return
  fi
  local package missing=()
  for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} = 0 ]; then
    say "${packages[*]}: installed"
  else
    install_packages "${missing[@]}"
  fi
}

check_swift
packages+=("$@")
check_libraries
