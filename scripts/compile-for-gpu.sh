#!/usr/bin/env bash
# Compiles the updates of stage 2 of published models for an H100 that is not there: seconds of the compilation and the
# memory that they need, as CSV. Arguments: models (default: var-d16), with BATCHES="1 8", LEVELS=4 and
# PRECISIONS="float32" in the environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
data=$PWD/.build/gpu-compile
for product in dd2 dd2-bench; do swift build -c release --product "$product" >&2; done
export XDG_DATA_HOME=$data
unset DD2_PJRT_PLUGIN
.build/release/dd2 device install cuda13 --compile-only >&2
header=
for model in "${@:-var-d16}"; do
  for precision in ${PRECISIONS:-float32}; do
    for batch in ${BATCHES:-1 8}; do
      output=$(.build/release/dd2-bench compile --model "$model" --batch "$batch" --levels "${LEVELS:-4}" \
        --precision "$precision" --target Benchmarks/h100-target.txt)
      if [ -z "$header" ]; then head -n 1 <<<"$output"; fi
      header=done
      tail -n +2 <<<"$output"
    done
  done
done
