#ifndef DD2_ROWS_H
#define DD2_ROWS_H
#include "simd.h"

// The largest element. Lanes are spelled out because compilers keep a max reduction in order for NaN's sake.
DD2_INLINE float dd2_row_max(const float *x, ptrdiff_t n) {
  float lanes[32], top = -INFINITY;
  ptrdiff_t whole = n - n % 32;
  if (whole) {
    for (int l = 0; l < 32; l++) lanes[l] = x[l];
    for (ptrdiff_t j = 32; j < whole; j += 32)
      for (int l = 0; l < 32; l++) lanes[l] = x[j + l] > lanes[l] ? x[j + l] : lanes[l];
    for (int l = 0; l < 32; l++) top = lanes[l] > top ? lanes[l] : top;
  }
  for (ptrdiff_t j = whole; j < n; j++) top = x[j] > top ? x[j] : top;
  return top;
}

DD2_INLINE float dd2_row_dot(const float *a, const float *b, ptrdiff_t n) {
  float sum = 0;
  for (ptrdiff_t j = 0; j < n; j++) sum += a[j] * b[j];
  return sum;
}

// sum_j exp(x_j - shift)
DD2_INLINE float dd2_row_exp_sum(const float *x, float shift, ptrdiff_t n) {
  float sum = 0;
  for (ptrdiff_t j = 0; j < n; j++) sum += dd2_expf(x[j] - shift);
  return sum;
}

#endif
