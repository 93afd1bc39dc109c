#!/usr/bin/env bash
# Kills processes of a job again and again, goes on with --resume, and compares the generator with that of a job that nobody
# killed: byte for byte, as both have as many processes.
#   scripts/job-faults.sh [KILLS]     default: 20, after one to eight seconds each
# Takes a built dd2 and mpirun; five minutes on two quiet cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kills=${1:-20}
dd2=$PWD/.build/release/dd2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export DD2_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none # containers forbid it
settings='--steps 60 --batch 8 --evaluate-every 0 --set stage1.steps=10 --set stage1.images=400 --set warm_start.steps=20
  --set pairs.count=400 --set noise_levels=2 --set stage2.score_updates=2 --set stage2.first_score_updates=2
  --set output.checkpoint_every=3 --set output.snapshot_every=20'

job() { # RUN ARGUMENTS...: in the background; $launcher is its process
  local run=$1
  shift
  mpirun --oversubscribe -n 2 "$dd2" distill --run "$run" "$@" >>"$folder/log" 2>&1 &
  launcher=$!
}

# shellcheck disable=SC2086
job "$folder/whole" $settings
SECONDS=0
wait "$launcher"
whole=$SECONDS
echo "undisturbed: $whole s"

slowest=0
for ((kill = 1; kill <= kills; kill++)); do
  if [ -e "$folder/run/config.json" ]; then
    job "$folder/run" --resume
  else
    rm -rf "$folder/run"
    # shellcheck disable=SC2086
    job "$folder/run" $settings
  fi
  sleep "$(awk -v seed="$RANDOM" 'BEGIN { srand(seed); printf "%.2f", 1 + rand() * 7 }')"
  mapfile -t processes < <(pgrep -P "$launcher" -x dd2 || true)
  if [ ${#processes[@]} = 0 ]; then break; fi
  victim=${processes[RANDOM % ${#processes[@]}]}
  began=$SECONDS
  kill -KILL "$victim" 2>/dev/null || true
  wait "$launcher" || true
  took=$((SECONDS - began))
  if ((took > slowest)); then slowest=$took; fi
  if pgrep -f "$folder/run" >/dev/null; then
    echo "kill $kill: processes are left over" >&2
    exit 1
  fi
done
echo "kills: $((kill - 1)); the job ended at most $slowest s later"

job "$folder/run" --resume
wait "$launcher"
cmp "$folder/whole/generator.h5" "$folder/run/generator.h5"
echo "the generator is byte for byte that of the undisturbed job"
