#include "dd2_resample.h"

#include <stdlib.h>

#include "simd.h"

enum {
  ROWS = 4,            // that are scaled at once
  LANES = 4 * ROWS,    // of a pixel of each, whose fourth channel is 0
  CHUNK = 64,          // bytes of a row whose sums stay in registers
};

// Spelled out: compilers would put taps in lanes, and gather.
typedef int32_t lanes __attribute__((vector_size(4 * LANES)));
typedef uint8_t lane_bytes __attribute__((vector_size(LANES)));

static const int32_t half = 1 << (DD2_RESAMPLE_BITS - 1);

DD2_INLINE uint8_t clipped(int32_t sum) {
  int32_t value = sum >> DD2_RESAMPLE_BITS;
  return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// Taps that lie inside an axis of `length`.
DD2_INLINE ptrdiff_t inside(dd2_resample_axis axis, ptrdiff_t i, ptrdiff_t length) {
  ptrdiff_t left = length - axis.first[i];
  return axis.taps < left ? axis.taps : left;
}

DD2_CLONES
static void scale_rows(const int32_t *pixels, ptrdiff_t width, dd2_resample_axis axis, uint8_t *const out[ROWS],
                       ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) {
    const int32_t *x = pixels + LANES * axis.first[i], *w = axis.weights + i * axis.taps;
    ptrdiff_t taps = inside(axis, i, width);
    lanes sums = half - (lanes){0}, pixel;
    for (ptrdiff_t t = 0; t < taps; t++) {
      memcpy(&pixel, x + t * LANES, sizeof pixel);
      sums += pixel * w[t];
    }
    // To 0...255: a comparison's result is 0 or -1.
    lanes values = sums >> DD2_RESAMPLE_BITS;
    values = (values & (values >= 0)) | (values > 255);
    lane_bytes bytes = __builtin_convertvector(values, lane_bytes);
    for (int r = 0; r < ROWS; r++)
      for (int c = 0; c < 3; c++) out[r][3 * i + c] = bytes[4 * r + c];
  }
}

int dd2_resample_rows(const uint8_t *in, ptrdiff_t rows, ptrdiff_t width, dd2_resample_axis axis, uint8_t *out,
                      ptrdiff_t count) {
  int32_t *pixels = calloc((size_t)(LANES * width), sizeof *pixels);
  if (!pixels) return -1;
  for (ptrdiff_t y = 0; y < rows; y += ROWS) {
    uint8_t *targets[ROWS];
    for (int r = 0; r < ROWS; r++) {
      // Where fewer are left the last one is scaled again.
      ptrdiff_t row = y + r < rows ? y + r : rows - 1;
      const uint8_t *source = in + row * width * 3;
      targets[r] = out + row * count * 3;
      for (ptrdiff_t x = 0; x < width; x++)
        for (int c = 0; c < 3; c++) pixels[x * LANES + 4 * r + c] = source[3 * x + c];
    }
    scale_rows(pixels, width, axis, targets, count);
  }
  free(pixels);
  return 0;
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
    ptrdiff_t taps = inside(axis, i, height);
    const int32_t *w = axis.weights + i * axis.taps;
    const uint8_t *x = in + axis.first[i] * line;
    for (ptrdiff_t start = 0; start < whole; start += CHUNK)
      scale_chunk(x + start, line, w, taps, out + i * line + start, CHUNK);
    scale_chunk(x + whole, line, w, taps, out + i * line + whole, line - whole);
  }
}
