#!/usr/bin/env bash
# Gets XLA's plugins (PJRT) from PyPI into a folder, and prints what to set. Nothing of it is needed to build dd2 or to run
# it on the CPU.
#   scripts/pjrt-plugins.sh cpu [DIR]    for --device xla-cpu: 63 MB
#   scripts/pjrt-plugins.sh cuda [DIR]   for --device cuda, or to compile for a GPU that is not there: 250 MB
# DIR: default ~/.local/share/dd2/plugins, where dd2 looks.
set -euo pipefail
kind=${1:-}
folder=${2:-${XDG_DATA_HOME:-$HOME/.local/share}/dd2/plugins}
case $kind in
  cpu) packages=(lammps-jax-pjrt-cpu==0.11.2) ;;
  cuda) packages=(jax-cuda13-pjrt==0.12.0.1 nvidia-cuda-nvcc==13.5.37 nvidia-nvvm==13.5.37) ;;
  *)
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 64
    ;;
esac
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
for package in "${packages[@]}"; do
  python3 -m pip download --quiet --disable-pip-version-check --no-deps -d "$wheels" "$package" >&2 || {
    echo "pjrt-plugins.sh: cannot download $package; check python3, pip and the network" >&2
    exit 69
  }
done
mkdir -p "$folder"
for wheel in "$wheels"/*.whl; do python3 -m zipfile -e "$wheel" "$folder"; done
chmod -R u+x "$folder"/nvidia/cu13/bin 2>/dev/null || true
echo "$folder"
