#!/usr/bin/env bash
# Times dd2's training steps against plain PyTorch; arguments go to compare.py (--bf16, --json, --pairs N, --help).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=Benchmarks/.venv
if ! "$venv/bin/python" -c 'import torch, h5py' 2>/dev/null; then
  echo "run.sh: installing PyTorch into $venv" >&2
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet torch numpy h5py
fi
swift build -c release --product dd2-bench >&2
exec "$venv/bin/python" Benchmarks/compare.py "$@"
