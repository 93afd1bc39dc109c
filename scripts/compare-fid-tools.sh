#!/usr/bin/env bash
# Compares `dd2 fid` with pytorch-fid, torch-fidelity and clean-fid on the same images and weights; arguments go to
# compare-fid-tools.py (--count N, --size WxH, --images DIR REF, --json, --help). Nothing but PyPI is asked.
#   DD2_COMPARE_VENV  a virtual environment that has the tools (default scripts/.venv, made where missing)
#   DD2_COMPARE_DD2   a built dd2 (default .build/release/dd2, built first)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=${DD2_COMPARE_VENV:-scripts/.venv}
if ! "$venv/bin/python" -c 'import cleanfid, pytorch_fid, scipy, torch, torch_fidelity, torchvision' 2>/dev/null; then
  echo "compare-fid-tools.sh: installing PyTorch and the tools into $venv" >&2
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet numpy 'scipy<1.18' torch torchvision \
    pytorch-fid==0.3.0 torch-fidelity==0.4.0 clean-fid==0.1.35
fi
if [ -z "${DD2_COMPARE_DD2:-}" ]; then
  swift build -c release --product dd2 >&2
fi
exec "$venv/bin/python" scripts/compare-fid-tools.py --dd2 "${DD2_COMPARE_DD2:-.build/release/dd2}" "$@"
