#!/usr/bin/env bash
# Ten minutes on a machine with one NVIDIA GPU: is what dd2 computes there right, and how fast is it beside PyTorch?
#   scripts/gpu-check.sh [TASK...]     tasks: agree cycle onestep sampling inception forward (default: all, in this order)
#   scripts/gpu-check.sh --rehearse    the same at tiny sizes on XLA's CPU plugin
# Needs dd2-bench (scripts/ship.sh, or a release build), JAX's CUDA plugin and PyTorch among the packages of python3, and no
# network. Results: agree.csv, speed.csv and a log in $OUT (default ./gpu-check). LIMIT: seconds in all, 570. PRECISION: what is
# timed, of both: float32, tf32 or bfloat16 (the default); the comparison is in float32. A part that fails or is too slow says
# so in its row, and the rest goes on. Exit status 1: dd2 is wrong somewhere, or failed.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ -e "$here/dd2.tar.xz" ]; then
  # Python unpacks where there is no xz.
  mkdir -p "$here/dd2" && python3 -m tarfile -e "$here/dd2.tar.xz" "$here/dd2" || exit 1
  exec "$here/dd2/scripts/gpu-check.sh" "$@"
fi
root=$(dirname "$here")
bench=${DD2_BENCH:-$root/.build/release/dd2-bench}
if [ -x "$root/bin/dd2-bench" ]; then bench=$root/bin/dd2-bench; fi
out=${OUT:-gpu-check}
mkdir -p "$out" || exit 1
limit=${LIMIT:-570}

device=cuda twin_device=cuda batch=8 batches=(1 64) count=7 precision=${PRECISION:-bfloat16}
models=(var-d16 llamagen-l-256) twins=(eager compiled) agree=()
tasks=(agree cycle onestep sampling inception forward)
if [ "${1:-}" = --rehearse ]; then
  shift
  device=xla-cpu twin_device=cpu batch=2 batches=(2) count=1 precision=${PRECISION:-float32}
  models=(tiny-var tiny-llamagen) twins=(eager) agree=(--only products)
  # Inception takes XLA a minute on processors.
  tasks=(agree cycle onestep sampling forward)
fi
if [ $# -gt 0 ]; then tasks=("$@"); fi

log=$out/log.txt rows=$out/rows.csv
: >"$log" >"$rows"
status=0

# within SECONDS COMMAND...: runs it for so long at most, and no longer than there is time in all; 124 where that is over.
within() {
  local seconds=$1 left=$((limit - SECONDS))
  shift
  if [ "$left" -lt "$seconds" ]; then seconds=$left; fi
  if [ "$seconds" -lt 5 ]; then return 124; fi
  timeout -k 5 "$seconds" "$@"
}

# said STATUS: in words.
said() {
  case $1 in
  0) echo ok ;;
  3) echo 'not installed' ;;
  124 | 137) echo 'out of time' ;;
  *) echo "failed ($1)" ;;
  esac
}

# row TASK MODEL BATCH PROGRAM SECONDS COMMAND...: a row of rows.csv from the line that the command prints last.
row() {
  local name="$1,$2,$3,$4" seconds=$5 result code
  shift 5
  echo "== $name" >>"$log"
  result=$(within "$seconds" "$@" 2>>"$log" | tail -n 1)
  code=$?
  [ $code = 0 ] || result=
  echo "$name,$(said $code),${result:-,,,}" | tee -a "$rows" >&2
  return $code
}

# measure TASK MODEL BATCH SECONDS [OPTION...]: dd2, which takes the options, then PyTorch: each has the whole device.
measure() {
  local task=$1 model=$2 batch=$3 seconds=$4 twin
  local options=("$task" --model "$model" --batch "$batch" --count "$count" --precision "$precision")
  shift 4
  row "$task" "$model" "$batch" dd2 "$seconds" "$bench" device "${options[@]}" --device "$device" "$@" || status=1
  for twin in "${twins[@]}"; do
    if [ "$twin" = compiled ]; then options+=(--compile); fi
    row "$task" "$model" "$batch" "$twin" "$((seconds / 2))" \
      python3 "$root/Benchmarks/pytorch_device.py" "${options[@]}" --device "$twin_device"
  done
}

# Inception-V3's features, with synthetic weights.
inception() {
  local n=${batches[${#batches[@]} - 1]} file=$out/weights/pt_inception-2015-12-05-6726825d.pth
  if [ ! -e "$file" ]; then
    within 60 python3 "$root/scripts/make-synthetic-weights.py" inception "$out/weights" >>"$log" 2>&1 || {
      echo "inception,inception-v3,$n,dd2,no weights: see log.txt,,,," | tee -a "$rows" >&2
      return
    }
  fi
  measure inception inception-v3 "$n" 60 --weights "$file"
}

for task in "${tasks[@]}"; do
  case $task in
  agree)
    echo "== agree" >>"$log"
    within 200 "$bench" agree --device "$device" --models "$root/Models" ${agree+"${agree[@]}"} 2>>"$log" >"$out/agree.csv"
    code=$?
    [ $code = 0 ] || status=1
    if ! grep -q ',yes$' "$out/agree.csv" || grep -q ',NO$' "$out/agree.csv" || [ $code != 0 ]; then
      echo "agree: $(said $code); what disagrees:"
      grep -v ',yes$' "$out/agree.csv"
    else
      echo "agree: $(grep -c ',yes$' "$out/agree.csv") of all comparisons with the processors, the closest to its limit:"
      grep ',yes$' "$out/agree.csv" | sort -t, -k5,5g | tail -n 1
    fi
    ;;
  cycle) for model in "${models[@]}"; do measure cycle "$model" "$batch" 140; done ;;
  forward) for model in "${models[@]}"; do measure forward "$model" "$batch" 60; done ;;
  onestep | sampling)
    for model in "${models[@]}"; do for n in "${batches[@]}"; do measure "$task" "$model" "$n" 90; done; done
    ;;
  inception) inception ;;
  *)
    sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 64
    ;;
  esac
done

awk -F, -v OFS=, '
  { key = $1 OFS $2 OFS $3; if (!(key in seen)) { seen[key] = 1; order[++n] = key }
    said[key, $4] = $5; median[key, $4] = $6; first[key, $4] = $7; peak[key, $4] = $8; count[key, $4] = $9 }
  function milliseconds(key, program) { return median[key, program] == "" ? "" : sprintf("%.1f", 1e3 * median[key, program]) }
  function ratio(key, program) {
    if (median[key, "dd2"] == "" || !(median[key, program] > 0)) return ""
    return sprintf("%.2f", median[key, "dd2"] / median[key, program])
  }
  END {
    print "task,model,batch,dd2_ms,eager_ms,compiled_ms,dd2_per_s,dd2/eager,dd2/compiled,dd2_first_s,dd2_GiB,eager_GiB,compiled_GiB,notes"
    for (i = 1; i <= n; i++) {
      key = order[i]; notes = ""
      split("dd2 eager compiled", programs, " ")
      for (p = 1; p <= 3; p++) {
        program = programs[p]
        if ((key, program) in said && said[key, program] != "ok") notes = notes program " " said[key, program] "; "
        if (count[key, program] != "" && count[key, "dd2"] != "" && count[key, program] != count[key, "dd2"])
          notes = notes program " has " count[key, program] " parameters and dd2 " count[key, "dd2"] "; "
      }
      split(key, part, OFS)
      rate = median[key, "dd2"] > 0 ? sprintf("%.2f", part[3] / median[key, "dd2"]) : ""
      print key, milliseconds(key, "dd2"), milliseconds(key, "eager"), milliseconds(key, "compiled"), rate,
        ratio(key, "eager"), ratio(key, "compiled"), first[key, "dd2"], peak[key, "dd2"], peak[key, "eager"],
        peak[key, "compiled"], notes
    }
  }' "$rows" >"$out/speed.csv"
# As a table, where there are more rows than the header.
if [ -s "$rows" ]; then (sed 's/,,/, ,/g; s/,,/, ,/g' "$out/speed.csv" | column -s, -t) 2>/dev/null || cat "$out/speed.csv"; fi
echo "gpu-check: $precision, $SECONDS s, exit status $status; results in $out"
exit $status
