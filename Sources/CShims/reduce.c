#include "dd2_kernels.h"
#include "simd.h"

DD2_CLONES
void dd2_sum_last(const float *x, ptrdiff_t rows, ptrdiff_t axis, float *y) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *row = x + r * axis;
    double sum = 0;
    for (ptrdiff_t i = 0; i < axis; i++) sum += row[i];
    y[r] = (float)sum;
  }
}

DD2_CLONES
void dd2_sum_middle(const float *x, ptrdiff_t axis, ptrdiff_t inner, ptrdiff_t pitch, float *restrict y,
                    double *restrict scratch) {
  for (ptrdiff_t j = 0; j < inner; j++) scratch[j] = 0;
  for (ptrdiff_t i = 0; i < axis; i++)
    for (ptrdiff_t j = 0; j < inner; j++) scratch[j] += x[i * pitch + j];
  for (ptrdiff_t j = 0; j < inner; j++) y[j] = (float)scratch[j];
}

DD2_CLONES
double dd2_sum_of_squares(const float *x, ptrdiff_t n) {
  double sum = 0;
  for (ptrdiff_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
  return sum;
}

DD2_CLONES
int dd2_all_finite(const float *x, ptrdiff_t n) {
  uint32_t bad = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, 4);
    bad |= (bits & 0x7f800000u) == 0x7f800000u;
  }
  return !bad;
}

int32_t dd2_argmax(const float *x, ptrdiff_t n) {
  ptrdiff_t best = 0;
  for (ptrdiff_t i = 1; i < n; i++)
    if (x[i] > x[best]) best = i;
  return (int32_t)best;
}
