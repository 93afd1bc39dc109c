#!/usr/bin/env bash
# From a fresh checkout to a result on the built-in data: installs what is missing, builds, distils for a few steps,
# draws 1000 images with the bundled one-step generator and with its teacher, and compares speed and FID.
# Under 10 minutes on two cores. The result goes to stdout, all else to stderr.
#   DD2_QUICKSTART_STEPS  distillation steps (default 8)
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C

cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
dd2=$root/.build/release/dd2
generator=Models/shapes32-var-generator.h5
steps=${DD2_QUICKSTART_STEPS:-8}
count=1000
# Lists the folders in out/ that this script made, and may therefore clear.
made=out/.quickstart

say() { printf 'quickstart: %s\n' "$*" >&2; }
fail() {
  local status=$1
  shift
  say "$*"
  exit "$status"
}

# Makes room for out/NAME: clears it where an earlier quickstart made it, else moves it aside.
fresh_folder() {
  local name=$1 folder=out/$1 aside
  mkdir -p out || fail 73 "cannot make $root/out; check its permissions"
  if [ -e "$folder" ] || [ -L "$folder" ]; then
    if [ ! -L "$folder" ] && [ -f "$made" ] && grep -qxF -- "$name" "$made"; then
      rm -rf -- "${root:?}/$folder"
    else
      aside=$folder.saved-$(date +%Y%m%d-%H%M%S)-$$
      mv -- "$folder" "$aside"
      say "$folder was there already; moved to $aside"
    fi
  fi
  if [ ! -f "$made" ] || ! grep -qxF -- "$name" "$made"; then printf '%s\n' "$name" >>"$made"; fi
}

# The first number under KEY in a JSON text; a fresh machine has neither jq nor Python.
json_number() {
  local key=$1 source=$2 json=$3 number
  number=$(tr '\n' ' ' <<<"$json" |
    { grep -oE "\"$key\" *: *-?[0-9][0-9.eE+-]*" || true; } | sed -n '1s/.*: *//p')
  [ -n "$number" ] || fail 65 "no number under \"$key\" in $source; is the dd2 built from this checkout?"
  printf '%s\n' "$number"
}

# row LABEL FOLDER: one line of the result table.
row() {
  local label=$1 folder=$2 samples json calls rate fid
  [ -f "$folder/samples.json" ] || fail 66 "dd2 sample left no $folder/samples.json"
  samples=$(<"$folder/samples.json")
  calls=$(json_number calls_per_image "$folder/samples.json" "$samples")
  rate=$(json_number images_per_second "$folder/samples.json" "$samples")
  say "FID of $folder"
  json=$("$dd2" fid --ref shapes32 --images "$folder" --json </dev/null)
  fid=$(json_number fid "'dd2 fid --json'" "$json")
  printf '%-24s %15g %18.1f %10.2f\n' "$label" "$calls" "$rate" "$fid"
}

[[ $steps =~ ^[1-9][0-9]*$ ]] || fail 64 "DD2_QUICKSTART_STEPS is '$steps'; give a whole number above 0"

bash scripts/setup.sh
say "building in release mode (a first build takes about three minutes on two cores)"
swift build -c release </dev/null >&2
[ -f "$generator" ] || fail 66 "$root/$generator is missing; it is part of the repository: git checkout -- Models"

run=runs/quickstart-$(date +%Y%m%d-%H%M%S)-$$
say "distilling for $steps steps from the bundled models, run folder $run"
"$dd2" distill --steps "$steps" --set stage1.steps=40 --set warm_start.steps=0 --set stage1.images=4000 --evaluate-every 0 \
  --run "$run" </dev/null >&2

fresh_folder one-step
say "drawing $count images with the bundled one-step generator"
"$dd2" sample --one-step --checkpoint "$generator" -o out/one-step --count "$count" --grid </dev/null >&2
fresh_folder teacher
say "drawing $count images with the teacher"
"$dd2" sample --teacher-steps -o out/teacher --count "$count" --grid </dev/null >&2

one_step=$(row "one-step, bundled" out/one-step)
teacher=$(row "teacher" out/teacher)

[ -f out/one-step/grid.png ] || fail 66 "dd2 sample left no out/one-step/grid.png"
printf '%-24s %15s %18s %10s\n' method 'calls per image' 'images per second' FID
printf '%s\n%s\n\n' "$one_step" "$teacher"
printf 'FID: %s images each, shapes features; not comparable with Inception FID.\n' "$count"
printf 'picture: %s\n' "$root/out/one-step/grid.png"
printf 'run:     %s (%s steps, to show the training loop; not sampled above)\n' "$root/$run" "$steps"
say "done in $SECONDS s"
