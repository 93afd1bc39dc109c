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

// Combines the pixels of every window; `averages` is a constant wherever this is inlined.
DD2_INLINE void pool(const float *x, const dd2_pool_geometry *g, ptrdiff_t first, ptrdiff_t last, int averages,
                     float *restrict y) {
  const ptrdiff_t C = g->channels;
  y += first * g->out_width * C;
  for (ptrdiff_t r = first; r < last; r++) {
    const span rows = window(g, r % g->out_height, g->height);
    const float *image = x + r / g->out_height * g->height * g->width * C;
    for (ptrdiff_t c = 0; c < g->out_width; c++, y += C) {
      const span columns = window(g, c, g->width);
      for (ptrdiff_t row = rows.first; row < rows.last; row++)
        for (ptrdiff_t column = columns.first; column < columns.last; column++) {
          const float *from = image + (row * g->width + column) * C;
          if (row == rows.first && column == columns.first)
            memcpy(y, from, sizeof(float) * (size_t)C);
          else if (averages)
            for (ptrdiff_t k = 0; k < C; k++) y[k] += from[k];
          else
            for (ptrdiff_t k = 0; k < C; k++) y[k] = from[k] > y[k] || from[k] != from[k] ? from[k] : y[k];
        }
      if (averages) {
        const float share = 1.0f / (float)((rows.last - rows.first) * (columns.last - columns.first));
        for (ptrdiff_t k = 0; k < C; k++) y[k] *= share;
      }
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
