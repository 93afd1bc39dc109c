#include "dd2_inference.h"
#include "simd.h"

// The part of a window that lies inside the map, on one axis.
typedef struct {
  ptrdiff_t first, last;
} span;

DD2_INLINE span window(const dd2_inference_pool *p, ptrdiff_t out, ptrdiff_t extent) {
  const ptrdiff_t start = out * p->stride - p->padding, end = start + p->side;
  return (span){start < 0 ? 0 : start, end > extent ? extent : end};
}

// Combines the pixels of every window; `averages` is a constant wherever this is inlined.
DD2_INLINE void pool(const dd2_inference_pool *p, int averages) {
  for (ptrdiff_t i = 0; i < p->images; i++)
    for (ptrdiff_t r = 0; r < p->out_height; r++)
      for (ptrdiff_t c = 0; c < p->out_width; c++) {
        const span rows = window(p, r, p->height), columns = window(p, c, p->width);
        float *restrict y = p->y + i * p->y_strides.image + r * p->y_strides.row + c * p->y_strides.pixel;
        const ptrdiff_t C = p->channels;
        for (ptrdiff_t row = rows.first; row < rows.last; row++)
          for (ptrdiff_t column = columns.first; column < columns.last; column++) {
            const float *x =
                p->x + i * p->x_strides.image + row * p->x_strides.row + column * p->x_strides.pixel;
            if (row == rows.first && column == columns.first)
              memcpy(y, x, sizeof(float) * (size_t)C);
            else if (averages)
              for (ptrdiff_t k = 0; k < C; k++) y[k] += x[k];
            else
              for (ptrdiff_t k = 0; k < C; k++) y[k] = x[k] > y[k] || x[k] != x[k] ? x[k] : y[k];
          }
        if (averages) {
          const float share = 1.0f / (float)((rows.last - rows.first) * (columns.last - columns.first));
          for (ptrdiff_t k = 0; k < C; k++) y[k] *= share;
        }
      }
}

DD2_CLONES void dd2_inference_max_pool(const dd2_inference_pool *p) { pool(p, 0); }
DD2_CLONES void dd2_inference_average_pool(const dd2_inference_pool *p) { pool(p, 1); }

DD2_CLONES void dd2_inference_mean(const float *x, dd2_map_strides s, ptrdiff_t images, ptrdiff_t height,
                                   ptrdiff_t width, ptrdiff_t channels, float *y, ptrdiff_t y_pitch) {
  enum { BLOCK = 32 };
  for (ptrdiff_t i = 0; i < images; i++)
    for (ptrdiff_t first = 0; first < channels; first += BLOCK) {
      const ptrdiff_t count = channels - first < BLOCK ? channels - first : BLOCK;
      double sum[BLOCK] = {0};
      for (ptrdiff_t r = 0; r < height; r++)
        for (ptrdiff_t c = 0; c < width; c++) {
          const float *from = x + i * s.image + r * s.row + c * s.pixel + first;
          for (ptrdiff_t k = 0; k < count; k++) sum[k] += from[k];
        }
      for (ptrdiff_t k = 0; k < count; k++) y[i * y_pitch + first + k] = (float)(sum[k] / (double)(height * width));
    }
}

void dd2_inference_copy(const float *x, dd2_map_strides x_strides, ptrdiff_t images, ptrdiff_t height, ptrdiff_t width,
                        ptrdiff_t channels, float *y, dd2_map_strides y_strides) {
  for (ptrdiff_t i = 0; i < images; i++)
    for (ptrdiff_t r = 0; r < height; r++)
      for (ptrdiff_t c = 0; c < width; c++)
        memcpy(y + i * y_strides.image + r * y_strides.row + c * y_strides.pixel,
               x + i * x_strides.image + r * x_strides.row + c * x_strides.pixel, sizeof(float) * (size_t)channels);
}

DD2_INLINE void zero(float *x, ptrdiff_t n) { memset(x, 0, sizeof(float) * (size_t)n); }

void dd2_inference_zero_border(float *x, dd2_map_strides s, ptrdiff_t images, ptrdiff_t height, ptrdiff_t width,
                               ptrdiff_t rows, ptrdiff_t columns) {
  const ptrdiff_t side = columns * s.pixel;
  for (ptrdiff_t i = 0; i < images; i++) {
    float *image = x + i * s.image;
    zero(image - rows * s.row - side, rows * s.row);
    zero(image + height * s.row - side, rows * s.row);
    for (ptrdiff_t r = 0; r < height; r++) {
      zero(image + r * s.row - side, side);
      zero(image + r * s.row + width * s.pixel, side);
    }
  }
}

DD2_CLONES void dd2_image_bytes(const float *x, float divisor, float *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    float byte = __builtin_rintf((x[i] + 1.0f) * 127.5f);
    byte = byte < 0.0f ? 0.0f : byte;
    y[i] = (byte > 255.0f ? 255.0f : byte) / divisor;
  }
}
