#!/usr/bin/env bash
# Repeats the faults of docs/reliability.md on a built dd2, with a tiny teacher. After each fault the run goes on, and its
# generator must be byte for byte that of a run without faults. Prints a line for each row, and ends with 1 where anything
# was lost.
#   scripts/faults.sh [ROW...]     all rows take about 20 minutes on two quiet cores
#   FAULT_TRIES=N                  kills of 'kill', and writes into files that fail of 'full' and 'error' (50; 300)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rows='kill stop twice full error outputs readonly shared clock threads kernels'
repository=$PWD
dd2=${DD2:-$PWD/.build/release/dd2}
export DD2_THREADS=1 DD2_MODELS=$PWD/Models
work=$(realpath "$(mktemp -d)")
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
cc -O1 -shared -fPIC -o "$work/shim.so" Tests/Faults/shim.c -ldl || exit 69
cd "$work" || exit 70
# FOLDER ARGUMENTS...: dd2 into a new folder.
# shellcheck disable=SC2016
printf '#!/bin/sh\nmkdir -p "$1"; shift; exec "%s" "$@"\n' "$dd2" >into && chmod +x into

short='--steps 2 --batch 2 --evaluate-every 0 --set stage1.steps=2 --set stage1.images=40 --set warm_start.steps=2
  --set pairs.count=48 --set output.checkpoint_every=1 --set output.snapshot_every=1'
long='--steps 40 --batch 8 --evaluate-every 10 --set fid.count=200 --set stage1.steps=60 --set stage1.images=200
  --set warm_start.steps=80 --set pairs.count=30000 --set output.checkpoint_every=5 --set output.snapshot_every=20'
small='--set noise_levels=1 --set stage2.score_updates=1 --set stage2.first_score_updates=1 --set head.width=16
  --set head.depth=1'

# ------------------------------------------------------------------------------------------------------- helpers

tried=0 lost=0
# LOG: a fault was not survived.
lose() {
  lost=$((lost + 1))
  echo "lost: $*" >&2
}

# RUN SETTINGS...: begins a run, or goes on with it.
distill() {
  local run=$1
  shift
  if [ -e "$run/config.json" ]; then
    "$dd2" distill --run "$run" --resume >out 2>err
  else
    # shellcheck disable=SC2086
    "$dd2" distill --run "$run" --teacher teacher.h5 "$@" $small >out 2>err
  fi
}

# RUN WHOLE WHAT: goes on to the end, and compares.
finish() {
  local run=$1 whole=$2
  shift 2
  # shellcheck disable=SC2086
  if ! distill "$run" ${settings[$whole]}; then
    lose "$*: cannot go on: $(tail -n 1 err)"
  else
    compare "$run" "$whole" "$*"
  fi
}

# RUN WHOLE WHAT
compare() {
  local file
  for file in generator.h5 best.h5; do
    if [ -e "$2/$file" ]; then cmp -s "$1/$file" "$2/$file" || lose "$3: another $file"; fi
  done
}

declare -A settings=([short]=$short [long]=$long) took=()

# WHOLE: a run without faults, once.
whole() {
  if [ -e "$1/generator.h5" ]; then return; fi
  local began=${EPOCHREALTIME/./}
  # shellcheck disable=SC2086
  distill "$1" ${settings[$1]} || {
    cat err
    exit 70
  }
  took[$1]=$(((${EPOCHREALTIME/./} - began) / 1000))
}

# STATUS WHAT: an ending with an error, of a full disk or of a place that takes no file: one line, the right code.
expect_error() {
  local status=$1
  shift
  case $status in
  73 | 74) ;;
  *) lose "$*: ended with $status: $(tail -n 1 err)" ;;
  esac
  [ "$(grep -c '^dd2: ' err)" = 1 ] || lose "$*: $(grep -c '^dd2: ' err) lines of error"
}

random() { echo $((RANDOM * 32768 + RANDOM)); }

# ---------------------------------------------------------------------------------------------------------- rows

# SIGKILL at random moments: every other one by the clock, the rest inside a call that writes. Names what each hit.
row_kill() {
  whole long
  local -A hit=()
  local kill run=0 moment doing
  rm -rf calls
  FAULT_FOLDER=$work/killed FAULT_LOG=$work/calls LD_PRELOAD=$work/shim.so distill killed $long
  local calls
  calls=$(wc -l <calls)
  rm -rf killed
  for ((kill = 1; tried < ${FAULT_TRIES:-50}; kill++)); do
    if ((kill % 2)); then
      moment=$(($(random) % took[long] / 2))
      distill killed $long 2>/dev/null &
      sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
      pkill -KILL -P $!
      wait $!
    else
      FAULT_FOLDER=$work/killed FAULT_AT=$(($(random) % calls / 4 + 1)) FAULT_SIGNAL=9 LD_PRELOAD=$work/shim.so \
        distill killed $long 2>/dev/null
    fi
    if [ -e killed/generator.h5 ]; then
      # The run had ended before.
      run=$((run + 1))
      finish killed long "kill $kill, run $run"
      rm -rf killed
      continue
    fi
    tried=$((tried + 1))
    doing=$(grep -oE 'stage [0-9] of 4: [a-z0-9-]+' err | tail -n 1 | sed 's/.*: //')
    if find killed -name '.dd2-*.tmp' 2>/dev/null | grep -q .; then
      doing=saving
    elif [ -e killed/metrics.jsonl ] && (($(wc -l <killed/metrics.jsonl) % 10 == 0)); then
      doing=evaluation
    fi
    hit[${doing:-start}]=$((${hit[${doing:-start}]:-0} + 1))
  done
  finish killed long "the last kill"
  for doing in "${!hit[@]}"; do detail+=" $doing ${hit[$doing]}"; done
}

# A signal of a terminal or a scheduler, at random moments.
row_stop() {
  whole long
  local signal try status
  for signal in TERM HUP INT; do
    for try in 1 2 3 4; do
      tried=$((tried + 1))
      rm -rf stopped
      stop "$signal" 0
    done
  done
}

# SIGNAL AGAIN: stops a run, AGAIN once more 10 ms later, and goes on with it.
stop() {
  distill stopped $long &
  local job=$! process status
  sleep "$(printf '0.%03d' $(($(random) % 1000)))"
  sleep $(($(random) % (took[long] / 1000)))
  process=$(pgrep -P $job)
  kill -"$1" "$process" 2>/dev/null
  if [ "$2" = 1 ]; then
    sleep 0.01
    kill -"$1" "$process" 2>/dev/null
  fi
  wait $job
  status=$?
  case $status in
  0 | 130) ;;
  *) lose "SIG$1: ended with $status: $(tail -n 1 err)" ;;
  esac
  finish stopped long "SIG$1"
}

row_twice() {
  whole long
  local try
  for try in 1 2 3 4; do
    tried=$((tried + 1))
    rm -rf stopped
    stop TERM 1
  done
}

# Which of the calls in a log to let fail: all that do not fill a file, and of those that do the first and the last of each
# file and as many others as make up the number.
chosen_calls() {
  awk -v most="${FAULT_TRIES:-300}" '
    { what[NR] = $2; place[NR] = $3; fills += $2 == "pwrite" }
    END {
      step = int(fills / most) + 1
      for (i = 1; i <= NR; i++)
        if (what[i] != "pwrite" || place[i] != place[i - 1] || place[i] != place[i + 1] || ++count % step == 0) print i
    }' "$1"
}

# ERRNO FOR_GOOD: each call that writes fails once, or it and all after it.
fail_calls() {
  whole short
  rm -rf failed calls
  FAULT_FOLDER=$work/failed FAULT_LOG=$work/calls LD_PRELOAD=$work/shim.so distill failed $short
  local call status
  cp calls all-calls
  for call in $(chosen_calls all-calls); do
    tried=$((tried + 1))
    rm -rf failed
    FAULT_FOLDER=$work/failed FAULT_AT=$call FAULT_ERRNO=$1 FAULT_FOR_GOOD=$2 LD_PRELOAD=$work/shim.so \
      distill failed $short
    status=$?
    # What is only for safety against a loss of power may fail.
    if [ "$status" != 0 ]; then expect_error "$status" "$(sed -n "${call}p" all-calls)"; fi
    finish failed short "$(sed -n "${call}p" all-calls)"
  done
  detail+=" of $(wc -l <all-calls) calls on $(awk '{ print $3 }' all-calls | sed 's/\.dd2-.*tmp/new/' | sort -u | wc -l) names"
}

row_full() { fail_calls 28 1; }
row_error() { fail_calls 5 0; }

# NAME COMMAND...: each call of a command that writes NAME fails for good; then the command is given again.
fail_output() {
  local name=$1 call status
  shift
  rm -rf "$name"* calls
  FAULT_FOLDER=$work/$name FAULT_LOG=$work/calls LD_PRELOAD=$work/shim.so "$@" >out 2>err || lose "$*: $(tail -n 1 err)"
  cp calls all-calls
  rm -rf sound
  cp -r "$name" sound
  for call in $(FAULT_TRIES=40 chosen_calls all-calls); do
    tried=$((tried + 1))
    rm -rf "$name"*
    FAULT_FOLDER=$work/$name FAULT_AT=$call FAULT_ERRNO=28 FAULT_FOR_GOOD=1 LD_PRELOAD=$work/shim.so "$@" >out 2>err
    status=$?
    if [ "$status" != 0 ]; then expect_error "$status" "$2 $3: $(sed -n "${call}p" all-calls)"; fi
    "$@" >out 2>err || lose "$2 $3, again: $(tail -n 1 err)"
    # Of the samples' record the speed differs.
    diff -r -x samples.json "$name" sound >/dev/null || lose "$2 $3, $(sed -n "${call}p" all-calls): another output"
  done
}

# Everything else that writes. FAULT_FOLDER is a folder or the file's own name, of which temporary files have none: it is
# in a folder of its own.
row_outputs() {
  whole short
  fail_output samples "$dd2" sample --one-step --teacher teacher.h5 --checkpoint short/generator.h5 -o samples --count 6
  fail_output tokens "$work/into" tokens teacher encode teacher.h5 --images images -o tokens/tokens.h5
  if "${PYTHON:-python3}" -c 'import numpy' 2>/dev/null; then
    "${PYTHON:-python3}" "$repository/scripts/make-synthetic-weights.py" golden-var weights
    fail_output imported "$work/into" imported weights import weights/*.pth -o imported/teacher.h5
  else
    echo "outputs: no NumPy for ${PYTHON:-python3}: weights import is left out" >&2
  fi
  tried=$((tried + 1))
  "$dd2" fid --ref shapes32 --images samples --json >/dev/full 2>err
  expect_error $? "fid --json > /dev/full"
}

# Places where an ordinary user may not write.
row_readonly() {
  whole short
  local command=("$dd2" sample --one-step --teacher teacher.h5 --checkpoint short/generator.h5 --count 2 -o) user=()
  if [ "$(id -u)" = 0 ]; then user=(setpriv --reuid=65534 --regid=65534 --clear-groups); fi
  rm -rf theirs
  cp -r short theirs
  rm theirs/generator.h5
  mkdir -p theirs/samples locked
  chmod -R a=rX theirs locked
  local before
  before=$(tar c theirs | sha256sum)
  # shellcheck disable=SC2086
  for command in "distill --run theirs --resume" "distill --run locked/run --teacher teacher.h5 $short $small" \
    "sample --one-step --teacher teacher.h5 --checkpoint short/generator.h5 --count 2 -o theirs/samples" \
    "teacher encode teacher.h5 --images images -o theirs/tokens.h5" "data render --count 2 -o theirs/images" \
    "ref build --images images --extractor shapes32 -o theirs/reference.h5"; do
    tried=$((tried + 1))
    # shellcheck disable=SC2086
    "${user[@]}" "$dd2" $command >out 2>err
    expect_error $? "$command"
    [ "$before" = "$(tar c theirs | sha256sum)" ] || lose "$command: changed what is there"
  done
  chmod -R u+w theirs
  finish theirs short "resumed by its owner"
}

# Two processes at one run, and at one folder of samples.
row_shared() {
  whole long
  local try
  for try in 1 2 3 4 5; do
    tried=$((tried + 1))
    rm -rf both
    distill both $long &
    sleep "0.$((RANDOM % 10))"
    "$dd2" distill --run both --teacher teacher.h5 $long $small >out2 2>err2
    local second=$?
    wait $! || lose "the first of two: $(tail -n 1 err)"
    # The later one of two that begin at once, or either, is refused; the run is whole.
    case $second in
    64 | 73) ;;
    *) lose "the second of two ended with $second: $(tail -n 1 err2)" ;;
    esac
    compare both long "two at one run"
  done
  for try in 1 2 3; do
    tried=$((tried + 1))
    rm -rf together
    "$dd2" sample --teacher-steps --teacher teacher.h5 --count 200 -o together >out 2>err &
    "$dd2" sample --teacher-steps --teacher teacher.h5 --count 200 -o together >out2 2>err2
    local second=$?
    wait $!
    local first=$?
    case $first,$second in
    0,73 | 73,0 | 0,0) ;;
    *) lose "two at one folder of samples ended with $first and $second" ;;
    esac
    [ "$(find together -name '*.png' | wc -l)" = 200 ] || lose "two at one folder: not 200 images"
  done
}

# RUN: the steps that it has recorded; one whose score was interrupted has two records.
steps() { grep -o '"step": [0-9]*' "$1/metrics.jsonl" | sort -u; }

# Stopped halfway, and on with ENVIRONMENT...: its result, what it says of it.
go_on() {
  rm -rf stopped
  distill stopped $long &
  local job=$!
  while ! [ -e stopped/metrics.jsonl ] || [ "$(wc -l <stopped/metrics.jsonl)" -lt 5 ]; do sleep 0.1; done
  pkill -TERM -P $job
  wait $job
  [ $? = 130 ] || lose "SIGTERM: $(tail -n 1 err)"
  env "$@" "$dd2" distill --run stopped --resume >out 2>err || lose "on with $*: $(tail -n 1 err)"
  [ "$(wc -l <stopped/starts.jsonl)" = 2 ] || lose "on with $*: starts.jsonl has not two lines"
  [ "$(steps stopped)" = "$(steps long)" ] || lose "on with $*: other steps in metrics.jsonl"
}

# The clock is a day back when the run goes on.
row_clock() {
  whole long
  tried=1
  go_on FAULT_CLOCK=-86400 LD_PRELOAD="$work/shim.so"
  compare stopped long clock
  "$dd2" report stopped >out 2>err || lose "clock: report: $(tail -n 1 err)"
}

# VARIABLE=VALUE: other sums, so that the last bits of the result may differ: said and recorded.
row_other() {
  whole long
  tried=$((tried + 1))
  go_on "$1"
  grep -q '^warning: the run goes on with .* where it had' err || lose "$1: no warning"
  [ "$(sed 's/.*"backend"/"backend"/' stopped/starts.jsonl | sort -u | wc -l)" = 2 ] || lose "$1: not recorded"
}

row_threads() { row_other DD2_THREADS=2; }
row_kernels() { row_other OPENBLAS_CORETYPE=Sandybridge; }

# ---------------------------------------------------------------------------------------------------------------

"$dd2" teacher train --run trained --side 32 --scales 1,2 --depth 1 --width 32 --codebook 16 --tokenizer-steps 1 \
  --transformer-steps 1 >out 2>err && cp trained/teacher.h5 . || exit 70
"$dd2" data render --count 300 -o images >out 2>err || exit 70

all_lost=0
for row in ${*:-$rows}; do
  tried=0 lost=0 detail=
  SECONDS=0
  "row_$row"
  printf '%s: tried %d, lost %d, %d s%s\n' "$row" "$tried" "$lost" "$SECONDS" "${detail:+;$detail}"
  all_lost=$((all_lost + lost))
done
[ "$all_lost" = 0 ]
