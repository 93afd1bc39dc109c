#!/usr/bin/env bash
# Trains everything in Models/ from nothing, with the seeds of the bundled files. About three hours on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
dd2=.build/release/dd2
runs=${DD2_BUNDLED_RUNS:-runs/bundled}
mkdir -p Models

"$dd2" teacher train --features --run "$runs/features" --seed 7
cp "$runs/features/features.h5" Models/shapes32-features.h5
cp "$runs/features/reference-statistics.h5" Models/shapes32-reference-statistics.h5

"$dd2" teacher train --run "$runs/teacher" --seed 1
cp "$runs/teacher/teacher.h5" Models/shapes32-var-teacher.h5

"$dd2" distill --steps 80 --parts 1 --warm-start pairs --ema-ramp 9 --evaluate-every 10 --run "$runs/distill"
cp "$runs/distill/best.h5" Models/shapes32-var-generator.h5

"$dd2" teacher train --family llamagen --run "$runs/llamagen-teacher" --seed 1
cp "$runs/llamagen-teacher/teacher.h5" Models/shapes32-llamagen-teacher.h5

# One network learns what a chain of four draws better than what the teacher's flow does.
"$dd2" distill --steps 80 --evaluate-every 20 --preset shapes32-llamagen --run "$runs/llamagen-chain"
"$dd2" distill --steps 80 --evaluate-every 20 --preset shapes32-llamagen-one \
  --pairs-from "$runs/llamagen-chain/generator.h5" --run "$runs/llamagen-distill"
cp "$runs/llamagen-distill/best.h5" Models/shapes32-llamagen-generator.h5

scripts/update-manifest.sh
