#!/usr/bin/env bash
# Times Inception-V3 and the Frechet distance against pytorch-fid; arguments go to inception.py (--json, --pairs N, --help).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=${DD2_BENCH_VENV:-Benchmarks/.venv}
if ! "$venv/bin/python" -c 'import torch, h5py, pytorch_fid' 2>/dev/null; then
  echo "inception.sh: installing PyTorch and pytorch-fid into $venv" >&2
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet torch numpy h5py scipy pytorch-fid
fi
swift build -c release --product dd2-bench >&2
exec "$venv/bin/python" Benchmarks/inception.py "$@"
