#include "dd2_resample.h"

#include <stdlib.h>

#include "simd.h"

enum {
  LANES = 16,  // of four pixels, each with a fourth channel that is 0
  CHUNK = 64,  // bytes of a row whose sums stay in registers
};

DD2_INLINE uint8_t clipped(int32_t sum) {
  int32_t value = sum >> DD2_RESAMPLE_BITS;
  return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static const int32_t half = 1 << (DD2_RESAMPLE_BITS - 1);

/// A row as pixels of four numbers, with zeros behind its end.
DD2_INLINE void spread(const uint8_t *in, ptrdiff_t width, int32_t *pixels) {
  for (ptrdiff_t x = 0; x < width; x++)
    for (int c = 0; c < 3; c++) pixels[4 * x + c] = in[3 * x + c];
}

DD2_CLONES
static void scale_row(const int32_t *pixels, const int32_t *first, const int32_t *weights, ptrdiff_t length, uint8_t *out,
                      ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) {
    const int32_t *x = pixels + 4 * first[i], *w = weights + i * length;
    int32_t sums[LANES] = {0};
    for (ptrdiff_t t = 0; t < length; t += LANES)
      for (int l = 0; l < LANES; l++) sums[l] += x[t + l] * w[t + l];
    for (int c = 0; c < 3; c++) out[3 * i + c] = clipped(half + sums[c] + sums[4 + c] + sums[8 + c] + sums[12 + c]);
  }
}

int dd2_resample_rows(const uint8_t *in, ptrdiff_t rows, ptrdiff_t width, dd2_resample_axis axis, uint8_t *out,
                      ptrdiff_t count) {
  // Weights once for each channel of a pixel, to whole lanes.
  ptrdiff_t length = (4 * axis.taps + LANES - 1) / LANES * LANES;
  int32_t *pixels = calloc((size_t)(4 * width + length), sizeof *pixels);
  int32_t *weights = calloc((size_t)(count * length), sizeof *weights);
  int status = pixels && weights ? 0 : -1;
  if (status == 0) {
    for (ptrdiff_t i = 0; i < count; i++)
      for (ptrdiff_t t = 0; t < 4 * axis.taps; t++) weights[i * length + t] = axis.weights[i * axis.taps + t / 4];
    for (ptrdiff_t y = 0; y < rows; y++) {
      spread(in + y * width * 3, width, pixels);
      scale_row(pixels, axis.first, weights, length, out + y * count * 3, count);
    }
  }
  free(pixels);
  free(weights);
  return status;
}

DD2_INLINE void scale_chunk(const uint8_t *in, ptrdiff_t line, const int32_t *weights, ptrdiff_t taps, uint8_t *out,
                            ptrdiff_t n) {
  int32_t sums[CHUNK];
  for (ptrdiff_t j = 0; j < n; j++) sums[j] = half;
  for (ptrdiff_t t = 0; t < taps; t++)
    for (ptrdiff_t j = 0; j < n; j++) sums[j] += in[t * line + j] * weights[t];
  for (ptrdiff_t j = 0; j < n; j++) out[j] = clipped(sums[j]);
}

DD2_CLONES
void dd2_resample_columns(const uint8_t *in, ptrdiff_t height, ptrdiff_t line, dd2_resample_axis axis, uint8_t *out,
                          ptrdiff_t count) {
  ptrdiff_t whole = line - line % CHUNK;
  for (ptrdiff_t i = 0; i < count; i++) {
    ptrdiff_t left = height - axis.first[i], taps = axis.taps < left ? axis.taps : left;
    const int32_t *w = axis.weights + i * axis.taps;
    const uint8_t *x = in + axis.first[i] * line;
    for (ptrdiff_t start = 0; start < whole; start += CHUNK)
      scale_chunk(x + start, line, w, taps, out + i * line + start, CHUNK);
    scale_chunk(x + whole, line, w, taps, out + i * line + whole, line - whole);
  }
}
