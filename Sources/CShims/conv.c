#include "dd2_conv.h"

#include "simd.h"

// Where the patch of one output pixel meets the map: columns skip..<stop of the kernel lie inside.
typedef struct {
  ptrdiff_t image, top, left, skip, stop;
} patch;

DD2_INLINE patch patch_of(const dd2_conv_geometry *g, ptrdiff_t pixel) {
  ptrdiff_t per_image = g->out_height * g->out_width;
  ptrdiff_t inside = pixel % per_image;
  patch p;
  p.image = pixel / per_image;
  p.top = inside / g->out_width * g->stride - g->top;
  p.left = inside % g->out_width * g->stride - g->left;
  p.skip = p.left < 0 ? -p.left : 0;
  if (p.skip > g->kernel_width) p.skip = g->kernel_width;
  p.stop = g->width - p.left;
  if (p.stop > g->kernel_width) p.stop = g->kernel_width;
  if (p.stop < p.skip) p.stop = p.skip;
  return p;
}

DD2_CLONES void dd2_im2col(const float *x, const dd2_conv_geometry *g, ptrdiff_t first, ptrdiff_t count,
                           float *columns) {
  const ptrdiff_t C = g->channels, span = g->kernel_width * C;
  for (ptrdiff_t pixel = first; pixel < first + count; pixel++) {
    const patch p = patch_of(g, pixel);
    const float *image = x + p.image * g->height * g->width * C;
    for (ptrdiff_t ky = 0; ky < g->kernel_height; ky++, columns += span) {
      const ptrdiff_t row = p.top + ky;
      if (row < 0 || row >= g->height || p.stop == p.skip) {
        memset(columns, 0, sizeof(float) * (size_t)span);
        continue;
      }
      // Neighbouring columns of a channels-last map lie side by side: one copy per kernel row.
      const float *from = image + (row * g->width + p.left) * C;
      for (ptrdiff_t i = 0; i < p.skip * C; i++) columns[i] = 0;
      memcpy(columns + p.skip * C, from + p.skip * C, sizeof(float) * (size_t)((p.stop - p.skip) * C));
      for (ptrdiff_t i = p.stop * C; i < span; i++) columns[i] = 0;
    }
  }
}

DD2_CLONES void dd2_col2im_add(const float *columns, const dd2_conv_geometry *g, ptrdiff_t first, ptrdiff_t count,
                               float *x) {
  const ptrdiff_t C = g->channels, span = g->kernel_width * C;
  for (ptrdiff_t pixel = first; pixel < first + count; pixel++) {
    const patch p = patch_of(g, pixel);
    float *image = x + p.image * g->height * g->width * C;
    for (ptrdiff_t ky = 0; ky < g->kernel_height; ky++, columns += span) {
      const ptrdiff_t row = p.top + ky;
      if (row < 0 || row >= g->height) continue;
      float *to = image + (row * g->width + p.left) * C;
      for (ptrdiff_t i = p.skip * C; i < p.stop * C; i++) to[i] += columns[i];
    }
  }
}

void dd2_repeat_row(const float *row, ptrdiff_t rows, ptrdiff_t width, float *y) {
  for (ptrdiff_t r = 0; r < rows; r++) memcpy(y + r * width, row, sizeof(float) * (size_t)width);
}

DD2_CLONES void dd2_rectify(float *x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) x[i] = x[i] < 0.0f ? 0.0f : x[i];
}

void dd2_conv_pack(const float *weight, ptrdiff_t inputs, ptrdiff_t taps, ptrdiff_t first, ptrdiff_t last,
                   float *packed) {
  for (ptrdiff_t o = first; o < last; o++)
    for (ptrdiff_t t = 0; t < taps; t++)
      for (ptrdiff_t i = 0; i < inputs; i++) packed[(o * taps + t) * inputs + i] = weight[(o * inputs + i) * taps + t];
}

void dd2_conv_pack_flipped(const float *weight, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t taps, ptrdiff_t first,
                           ptrdiff_t last, float *packed) {
  for (ptrdiff_t i = first; i < last; i++)
    for (ptrdiff_t t = 0; t < taps; t++)
      for (ptrdiff_t o = 0; o < outputs; o++)
        packed[(i * taps + taps - 1 - t) * outputs + o] = weight[(o * inputs + i) * taps + t];
}

void dd2_conv_unpack_sum(const float *packed, ptrdiff_t parts, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t taps,
                         ptrdiff_t first, ptrdiff_t last, float *weight) {
  const ptrdiff_t size = outputs * taps * inputs;
  for (ptrdiff_t o = first; o < last; o++)
    for (ptrdiff_t i = 0; i < inputs; i++)
      for (ptrdiff_t t = 0; t < taps; t++) {
        float sum = 0;
        for (ptrdiff_t p = 0; p < parts; p++) sum += packed[p * size + (o * taps + t) * inputs + i];
        weight[(o * inputs + i) * taps + t] = sum;
      }
}
