#!/usr/bin/env bash
# Trains everything in Models/ from nothing, with the seeds of the bundled files. About three hours on two cores; started
# again after an interrupt, it goes on where it was. DD2_BUNDLED_RUNS says where its runs lie.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
dd2=.build/release/dd2
runs=${DD2_BUNDLED_RUNS:-runs/bundled}
mkdir -p Models

# train RUN RESULT COMMAND...: a run, or the rest of one.
train() {
  local run=$runs/$1 result=$2
  shift 2
  if [[ -e $run/$result ]]; then return; fi
  if [[ -e $run ]]; then set -- "$@" --resume; fi
  "$dd2" "$@" --run "$run"
}

train features reference-statistics.h5 teacher train --features --seed 7
cp "$runs/features/features.h5" Models/shapes32-features.h5
cp "$runs/features/reference-statistics.h5" Models/shapes32-reference-statistics.h5

train var-teacher teacher.h5 teacher train --seed 1
cp "$runs/var-teacher/teacher.h5" Models/shapes32-var-teacher.h5

train var-generator generator.h5 distill --steps 60 --evaluate-every 20
cp "$runs/var-generator/best.h5" Models/shapes32-var-generator.h5

train llamagen-teacher teacher.h5 teacher train --family llamagen --seed 1
cp "$runs/llamagen-teacher/teacher.h5" Models/shapes32-llamagen-teacher.h5

train llamagen-generator generator.h5 distill --steps 60 --teacher shapes32-llamagen --cfg 3 --set stage1.steps=200 \
  --evaluate-every 20
cp "$runs/llamagen-generator/best.h5" Models/shapes32-llamagen-generator.h5

scripts/update-manifest.sh
