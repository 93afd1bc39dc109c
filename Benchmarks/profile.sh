#!/usr/bin/env bash
# Where the time of a task goes, by family of kernels: Benchmarks/profile.sh [cycle|teacher]
# Needs Linux perf. A list of single functions: perf report -i .build/bench.perf --no-children
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

data=.build/bench.perf
swift build -c release --product dd2-bench >&2
perf record --quiet -F 999 -o "$data" .build/release/dd2-bench --profile "${1:-cycle}" >&2
perf report -i "$data" --no-children --stdio --sort symbol --percent-limit 0 2>/dev/null | awk '
  function family(name) {
    if (name ~ /gemm|gemv|dd2_blas|inner_thread/) return "matrix products (OpenBLAS)"
    if (name ~ /attention_softmax|scale_rows|dot_rows|zero_rows/) return "attention, without its products"
    if (name ~ /normalize_qk/) return "query and key normalisation"
    if (name ~ /posterior|add_products|add_weighted|tile_scores/) return "codebook posterior"
    if (name ~ /dd2_norm|gated|add_row/) return "layer norm, modulation, gates"
    if (name ~ /dd2_unary|dd2_clamp/) return "activations"
    if (name ~ /dd2_binary|dd2_affine|dd2_accumulate/) return "elementwise arithmetic"
    if (name ~ /dd2_reduce|sum_of_squares|argmax|all_finite/) return "reductions"
    if (name ~ /softmax|cross_entropy/) return "softmax and cross-entropy"
    if (name ~ /conv|im2col|resample|repeat_row|tile_512|tile_any/) return "residual map (resize, convolution)"
    if (name ~ /adamw|exponential_average/) return "optimiser, averages"
    if (name ~ /philox|RandomStream|logf|sinf|cosf|sincosf/) return "random numbers, scalar libm"
    if (name ~ /memcpy|memmove|memset|update|copyRows|gather/) return "copies"
    if (name ~ /relax|ThreadPool|sched_yield|futex|mutex/) return "waiting for the other thread"
    if (name ~ /\[k\]/) return "kernel"
    return "other"
  }
  /^ +[0-9.]+%/ {
    share = $1 + 0
    sum[family($0)] += share
  }
  END { for (f in sum) printf "%6.1f%%  %s\n", sum[f], f }' | sort -rn
