#ifndef DD2_POOL_H
#define DD2_POOL_H
#include <stddef.h>

// Windows of `side` x `side` pixels over channels-last maps x (height, width, channels), which begin `padding` pixels
// before the map's corner; what lies outside of x counts for nothing. y is (out_height, out_width, channels).
typedef struct {
  ptrdiff_t height, width, channels;
  ptrdiff_t side, stride, padding;
  ptrdiff_t out_height, out_width;
} dd2_pool_geometry;

// Rows first..<last of y, numbered through the whole batch. A maximum with NaN is NaN.
void dd2_max_pool(const float *x, const dd2_pool_geometry *g, ptrdiff_t first, ptrdiff_t last, float *y);
void dd2_average_pool(const float *x, const dd2_pool_geometry *g, ptrdiff_t first, ptrdiff_t last, float *y);

#endif
