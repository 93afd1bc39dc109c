#!/usr/bin/env bash
# Compiles the updates of stage 2 of published models for an H100 that is not there, as CSV: seconds of the compilation,
# the memory that they need, their arithmetic, the least that they move, and the least time that this takes an H100. With
# several H100s (--devices 8 in VARIANTS) all this is of each of them, with the bytes that it gives to sums over all.
# Arguments: models (default: var-d16). In the environment: BATCHES="1 8", LEVELS=4, and VARIANTS, options of 'dd2-bench
# compile' for each row, with semicolons between: VARIANTS='--precision float32;--precision bfloat16'. Rows appear as they
# are done, so that a long table that is cut short keeps what it has; one that fails says so, and the exit status is 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
data=$PWD/.build/gpu-compile
for product in dd2 dd2-bench; do swift build -c release --product "$product" >&2; done
export XDG_DATA_HOME=$data
unset DD2_PJRT_PLUGIN
.build/release/dd2 device install cuda13 --compile-only >&2
IFS=';' read -r -a variants <<<"${VARIANTS:-}"
[ ${#variants[@]} -gt 0 ] || variants=('')
header= status=0
for model in "${@:-var-d16}"; do
  for batch in ${BATCHES:-1 8}; do
    for variant in "${variants[@]}"; do
      read -r -a options <<<"$variant"
      if output=$(.build/release/dd2-bench compile --model "$model" --batch "$batch" --levels "${LEVELS:-4}" \
        --target Benchmarks/h100-target.txt "${options[@]}"); then
        if [ -z "$header" ]; then sed '1s/^/options,/;q' <<<"$output"; fi
        header=done
        tail -n +2 <<<"$output" | sed "s/^/${options[*]},/"
      else
        echo "${options[*]},$model,$batch,${LEVELS:-4},failed"
        status=1
      fi
    done
  done
done
exit $status
