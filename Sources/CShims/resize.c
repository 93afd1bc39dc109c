#include "dd2_conv.h"
#include "simd.h"

// y (+)= the weighted sum of `taps` rows; `taps` is a constant wherever this is inlined.
DD2_INLINE void combine(const float *const *rows, const float *weights, int taps, int adds, ptrdiff_t width,
                        float *restrict y) {
  for (ptrdiff_t i = 0; i < width; i++) {
    float sum = adds ? y[i] : 0;
    for (int t = 0; t < taps; t++) sum += weights[t] * rows[t][i];
    y[i] = sum;
  }
}

DD2_CLONES void dd2_resample(const float *x, ptrdiff_t in, ptrdiff_t out, ptrdiff_t inner, const int32_t *offsets,
                             const int32_t *indices, const float *weights, ptrdiff_t first, ptrdiff_t last,
                             float *y) {
  for (ptrdiff_t row = first; row < last; row++) {
    const float *base = x + row / out * in * inner;
    float *to = y + row * inner;
    const int32_t begin = offsets[row % out], end = offsets[row % out + 1];
    if (begin == end) memset(to, 0, sizeof(float) * (size_t)inner);
    for (int32_t k = begin; k < end;) {
      const int32_t taps = end - k >= 4 ? 4 : end - k >= 2 ? 2 : 1;
      const float *rows[4];
      for (int32_t t = 0; t < taps; t++) rows[t] = base + indices[k + t] * inner;
      if (taps == 4)
        combine(rows, weights + k, 4, k > begin, inner, to);
      else if (taps == 2)
        combine(rows, weights + k, 2, k > begin, inner, to);
      else
        combine(rows, weights + k, 1, k > begin, inner, to);
      k += taps;
    }
  }
}
