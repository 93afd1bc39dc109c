#include "dd2_pool.h"

#include "simd.h"

// The part of a window that lies inside the map, on one axis.
typedef struct {
  ptrdiff_t first, last;
} span;

DD2_INLINE span window(const dd2_pool_geometry *g, ptrdiff_t out, ptrdiff_t extent) {
  const ptrdiff_t start = out * g->stride - g->padding, end = start + g->side;
  return (span){start < 0 ? 0 : start, end > extent ? extent : end};
}

#define DD2_UNROLL _Pragma("clang loop unroll(full)")
typedef float vector __attribute__((vector_size(32)));
typedef float unaligned __attribute__((vector_size(32), aligned(4)));
typedef int32_t mask __attribute__((vector_size(32)));
enum { LANES = 8, BLOCK = 8 };

// Some vectors of one pixel's channels, in registers over the whole window: every loop over them is unrolled.
// `vectors` and `averages` are constants wherever this is inlined.
DD2_INLINE void combine(const float *x, const dd2_pool_geometry *g, span rows, span columns, int vectors, int averages,
                        float share, float *y) {
  vector result[BLOCK];
  DD2_UNROLL for (int v = 0; v < vectors; v++)
    result[v] = *(const unaligned *)(x + (rows.first * g->width + columns.first) * g->channels + LANES * v);
  for (ptrdiff_t row = rows.first; row < rows.last; row++)
    for (ptrdiff_t column = columns.first + (row == rows.first); column < columns.last; column++) {
      const float *from = x + (row * g->width + column) * g->channels;
      DD2_UNROLL for (int v = 0; v < vectors; v++) {
        const vector value = *(const unaligned *)(from + LANES * v);
        const mask takes = (value > result[v]) | (value != value);
        if (averages)
          result[v] += value;
        else
          result[v] = (vector)(((mask)value & takes) | ((mask)result[v] & ~takes));
      }
    }
  DD2_UNROLL for (int v = 0; v < vectors; v++)
    *(unaligned *)(y + LANES * v) = averages ? result[v] * share : result[v];
}

DD2_INLINE float combine_one(const float *x, const dd2_pool_geometry *g, span rows, span columns, int averages,
                             float share) {
  float result = x[(rows.first * g->width + columns.first) * g->channels];
  for (ptrdiff_t row = rows.first; row < rows.last; row++)
    for (ptrdiff_t column = columns.first + (row == rows.first); column < columns.last; column++) {
      const float value = x[(row * g->width + column) * g->channels];
      if (averages)
        result += value;
      else
        result = value > result || value != value ? value : result;
    }
  return averages ? result * share : result;
}

DD2_INLINE void pool(const float *x, const dd2_pool_geometry *g, ptrdiff_t first, ptrdiff_t last, int averages,
                     float *y) {
  const ptrdiff_t C = g->channels;
  y += first * g->out_width * C;
  for (ptrdiff_t r = first; r < last; r++) {
    const span rows = window(g, r % g->out_height, g->height);
    const float *image = x + r / g->out_height * g->height * g->width * C;
    for (ptrdiff_t column = 0; column < g->out_width; column++, y += C) {
      const span columns = window(g, column, g->width);
      const float share = 1.0f / (float)((rows.last - rows.first) * (columns.last - columns.first));
      ptrdiff_t c = 0;
      for (; c + BLOCK * LANES <= C; c += BLOCK * LANES)
        combine(image + c, g, rows, columns, BLOCK, averages, share, y + c);
      for (; c + LANES <= C; c += LANES) combine(image + c, g, rows, columns, 1, averages, share, y + c);
      for (; c < C; c++) y[c] = combine_one(image + c, g, rows, columns, averages, share);
    }
  }
}

DD2_CLONES void dd2_max_pool(const float *x, const dd2_pool_geometry *g, ptrdiff_t first, ptrdiff_t last, float *y) {
  pool(x, g, first, last, 0, y);
}

DD2_CLONES void dd2_average_pool(const float *x, const dd2_pool_geometry *g, ptrdiff_t first, ptrdiff_t last,
                                 float *y) {
  pool(x, g, first, last, 1, y);
}
