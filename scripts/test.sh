#!/usr/bin/env bash
# All checks, as CI runs them: system libraries, lint, module graph, build with warnings as errors, tests in release
# mode. Stops at the first failure. Prints the seconds of each phase.
#   scripts/test.sh        all of it
#   scripts/test.sh lint   lint, module graph and file system only: no build
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What a module in Sources/ may import among the names that stand in this table; system modules are free.
# Arrows point one way, and DD2Teacher, ScoreNet, DD2Generator and FIDEval do not know each other (CONTRIBUTING.md).
module_graph='
CPNG:
CJPEG:
CHDF5:
CShims:
CPJRT:
CMPI:
CBuild:
TensorCore:    CShims
Processes:     CMPI TensorCore
XLADevice:     CPJRT TensorCore Artifacts
Artifacts:     CShims
NN:            TensorCore
Datasets:      Processes TensorCore Artifacts
Backbone:      NN TensorCore
DD2Teacher:    Backbone NN TensorCore
ScoreNet:      Backbone NN TensorCore
DD2Generator:  Backbone NN TensorCore
FIDEval:       Processes NN TensorCore Datasets Artifacts
Training:      CBuild Processes Backbone NN TensorCore Datasets Artifacts
TeacherModels: Processes Training DD2Teacher Backbone NN TensorCore Datasets Artifacts
Sampling:      Processes TeacherModels Training DD2Teacher ScoreNet DD2Generator Backbone NN TensorCore Artifacts
Evaluation:    Processes Sampling TeacherModels Training DD2Teacher FIDEval NN TensorCore Datasets Artifacts
Distillation:  Processes Sampling TeacherModels Training DD2Teacher ScoreNet DD2Generator FIDEval Backbone NN TensorCore Datasets Artifacts
Reporting:     Distillation Evaluation TeacherModels Training DD2Teacher Artifacts
dd2:           Processes XLADevice Reporting Distillation Evaluation Sampling TeacherModels Training DD2Teacher ScoreNet DD2Generator FIDEval Backbone NN TensorCore Datasets Artifacts ArgumentParser Logging
'

lint() {
  local path paths=()
  for path in Sources Tests Benchmarks Plugins Package.swift; do
    if [ -e "$path" ]; then paths+=("$path"); fi
  done
  swift format lint -r -p --strict "${paths[@]}"
}

graph() {
  local files=()
  mapfile -d '' -t files < <(find Sources -name '*.swift' -print0 | sort -z)
  [ ${#files[@]} -gt 0 ] || {
    echo "test.sh: no Swift files in Sources" >&2
    return 1
  }
  # The table and the folder names travel as text on stdin; the sources are awk's further files.
  {
    printf '%s\n' "$module_graph"
    find Sources -mindepth 1 -maxdepth 1 -type d | sed 's|^Sources/|folder |'
  } | awk '
    NR == FNR && /^folder / {
      if (!($2 in listed)) report("Sources/" $2 ": module is not in the table in scripts/test.sh")
      next
    }
    NR == FNR {
      if (!NF) next
      module = $1
      sub(/:$/, "", module)
      listed[module] = known[module] = 1
      for (i = 2; i <= NF; i++) known[$i] = allowed[module, $i] = 1
      next
    }
    NR != FNR {
      split(FILENAME, part, "/")
      statements = split($0, statement, ";")
      for (s = 1; s <= statements; s++) check(part[2], statement[s])
    }
    # check: a module "M" in attributes, access, "import", kind, "M.name".
    function check(from, text,   word, n, i, name) {
      sub(/\/\/.*/, "", text)
      n = split(text, word, /[ \t]+/)
      i = 1
      while (i <= n && (word[i] == "" || word[i] ~ /^@/ || word[i] ~ /^(public|package|internal|fileprivate|private)$/)) i++
      if (i >= n || word[i] != "import") return
      i++
      if (word[i] ~ /^(struct|class|enum|protocol|typealias|func|let|var)$/) i++
      name = word[i]
      sub(/\..*/, "", name)
      if (name in known && name != from && !((from, name) in allowed))
        report(FILENAME ":" FNR ": error: " from " must not import " name)
    }
    function report(line) { print line > "/dev/stderr"; bad = 1 }
    END { exit bad }
  ' - "${files[@]}"
}

# Foundation's calls of the file system lose names that are no UTF-8 and do not tell what is missing from what cannot be
# read: Artifacts/Files stands in for them.
files() {
  local calls
  calls=$(grep -rnE '\bFileManager\b|URL\(fileURLWithPath|contentsOfFile|FileHandle\(for|CommandLine\.arguments' Sources \
    --include='*.swift' --exclude-dir=TensorCore | grep -v 'executableURL = ') || return 0
  sed 's/$/: error: use FileAccess, AtomicFile or Arguments/' <<<"$calls" >&2
  return 1
}

# The same flags for both, or the second builds anew; tests reach internals of release builds by -enable-testing.
build() { swift build -c release --build-tests -Xswiftc -enable-testing </dev/null; }

# One test at a time: kernels use all cores already, and tests of memory and time see only themselves. Arguments: more options
# of swift test.
tests() {
  local log=.build/dd2-tests.log
  swift test -c release -Xswiftc -enable-testing --skip-build --no-parallel "$@" </dev/null 2>&1 | tee "$log"
  # A run that finds no test is a failure too.
  grep -Eq 'Test run with [1-9][0-9]* tests?' "$log" || {
    echo "test.sh: swift test ran no test" >&2
    return 1
  }
}

# The references' recorded outputs and gradients, computed by XLA (Tests/TestSupport/TestDevice.swift).
recorded() {
  if [ -z "${DD2_PJRT_PLUGIN:-}" ]; then return; fi
  DD2_TEST_DEVICE=xla-cpu tests --filter 'adamWAgreesWithPyTorch|GoldenTests|DistillationLossTests|DenoisingLossTests'
}

# What a machine with a GPU would run, at tiny sizes on the CPU plugin, so that it works when there is one.
rehearsal() {
  if [ -z "${DD2_PJRT_PLUGIN:-}" ]; then
    echo "test.sh: no XLA plugin: gpu-check.sh is not rehearsed" >&2
    return
  fi
  OUT=.build/gpu-check bash scripts/gpu-check.sh --rehearse
}

current=start
started=0
timings=()
phase() {
  current=$1
  started=$SECONDS
  printf '== %s\n' "$current"
  "$2"
  timings+=("$current $((SECONDS - started)) s")
  printf '== %s: %d s\n' "$current" $((SECONDS - started))
}
# mpirun, for the tests of jobs of several processes.
setup() { bash scripts/setup.sh openmpi-bin; }

# XLA's CPU plugin, for the tests of --device; without it they are skipped, and the test run says so.
plugin() {
  if [ -n "${DD2_PJRT_PLUGIN:-}" ]; then return; fi
  local folder
  if ! folder=$(XDG_DATA_HOME=$PWD/.build timeout 300 .build/release/dd2 device install cpu); then
    echo "test.sh: no XLA plugin: the tests that need one are skipped" >&2
    return
  fi
  export DD2_PJRT_PLUGIN=$folder/lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so
}
closing() {
  local status=$?
  if [ "$status" != 0 ]; then printf '== %s: FAILED after %d s\n' "$current" $((SECONDS - started)) >&2; fi
}

export DD2_STRICT=1
case ${1:-all} in
all | lint) ;;
*)
  echo "usage: scripts/test.sh [lint]" >&2
  exit 64
  ;;
esac
trap closing EXIT
if [ "${1:-all}" = all ]; then
  phase setup setup
fi
phase lint lint
phase 'module graph' graph
phase 'file system' files
if [ "${1:-all}" = all ]; then
  phase build build
  phase 'XLA plugin' plugin
  phase tests tests
  phase 'recorded outputs on XLA' recorded
  phase 'rehearsal of gpu-check.sh' rehearsal
fi
printf '== all passed in %d s:' "$SECONDS"
printf ' %s;' "${timings[@]}"
printf '\n'
