#ifndef DD2_RESAMPLE_H
#define DD2_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

/// Weights are in units of 2^-22; every sum of weighted bytes fits 32 bits.
enum { DD2_RESAMPLE_BITS = 22 };

/// One axis: output i is the sum of `taps` inputs from `first[i]` on, times `weights[i * taps ...]`. Inputs beyond the
/// axis's end have weight 0 and are not read.
typedef struct {
  const int32_t *first, *weights;
  ptrdiff_t taps;
} dd2_resample_axis;

/// Scales rows: `in` (rows, width, 3) to `out` (rows, count, 3). Returns 0, or -1 where there is no memory.
int dd2_resample_rows(const uint8_t *in, ptrdiff_t rows, ptrdiff_t width, dd2_resample_axis axis, uint8_t *out,
                      ptrdiff_t count);

/// Scales columns: `in` (height, line) to `out` (count, line), `line` bytes that do not mix.
void dd2_resample_columns(const uint8_t *in, ptrdiff_t height, ptrdiff_t line, dd2_resample_axis axis, uint8_t *out,
                          ptrdiff_t count);

#endif
