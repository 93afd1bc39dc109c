#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>

#include "dd2_kernels.h"
#include "simd.h"

int32_t dd2_draw(const float *log_p, float target, ptrdiff_t n) {
  // In double: over 16,384 tokens a sum of floats would be off by more than a rare token's own probability.
  double mass = 0;
  int32_t last = 0;
  for (ptrdiff_t j = 0; j < n; j++) {
    float p = dd2_expf(log_p[j]);
    if (p <= 0) continue;
    last = (int32_t)j;
    mass += p;
    if (mass > (double)target) break;
  }
  // Where rounding leaves the whole sum below the number, the last token that can be drawn.
  return last;
}

// The k-th largest of n numbers, k from 1; reorders them (Hoare's selection).
static float kth_largest(float *x, ptrdiff_t n, ptrdiff_t k) {
  ptrdiff_t low = 0, high = n - 1, wanted = k - 1;
  while (low < high) {
    float pivot = x[low + (high - low) / 2];
    ptrdiff_t i = low, j = high;
    while (i <= j) {
      while (x[i] > pivot) i++;
      while (x[j] < pivot) j--;
      if (i > j) break;
      float other = x[i];
      x[i++] = x[j];
      x[j--] = other;
    }
    if (wanted <= j)
      high = j;
    else if (wanted >= i)
      low = i;
    else
      break;
  }
  return x[wanted];
}

// Descending; of equal ones the later index first, which is the order in which VAR's sort keeps them.
static int more_likely(const void *a, const void *b, void *values) {
  int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;
  float x = ((const float *)values)[i], y = ((const float *)values)[j];
  if (x != y) return x > y ? -1 : 1;
  return i > j ? -1 : 1;
}

void dd2_keep_likely(const float *x, float *y, int32_t *order, ptrdiff_t n, ptrdiff_t top_k, float top_p,
                     float removed) {
  float least = -INFINITY;
  if (top_k > 0 && top_k < n) {
    for (ptrdiff_t j = 0; j < n; j++) y[j] = x[j];
    least = kth_largest(y, n, top_k);
  }
  ptrdiff_t kept = 0;
  for (ptrdiff_t j = 0; j < n; j++) {
    if (x[j] >= least) order[kept++] = (int32_t)j;
    y[j] = x[j] >= least ? x[j] : removed;
  }
  if (top_p >= 1 || kept == 0) return;
  qsort_r(order, (size_t)kept, sizeof *order, more_likely, (void *)x);
  double largest = x[order[0]], total = 0, mass = 0;
  for (ptrdiff_t i = 0; i < kept; i++) total += exp((double)x[order[i]] - largest);
  for (ptrdiff_t i = 0; i < kept; i++) {
    // The token that crosses the mass stays, so at least one always does.
    if (mass >= (double)top_p * total) y[order[i]] = removed;
    mass += exp((double)x[order[i]] - largest);
  }
}
