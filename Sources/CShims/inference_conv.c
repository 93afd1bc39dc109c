#include "dd2_blas.h"
#include "dd2_inference.h"

#include "simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Direct convolution: a tile of output pixels times a panel of output channels stays in registers while all runs go
// by. Weights of a panel are read from the second-level cache once per tile; pixels of a tile may lie anywhere, so rows
// of any width fill whole tiles.

// Vectors of the panel that begins at `first` of `vectors`: 4, or such that no panel of one vector is left over.
DD2_INLINE ptrdiff_t panel_vectors(ptrdiff_t left) { return left == 5 ? 3 : left < 4 ? left : 4; }

void dd2_inference_pack(const float *weight, const float *factor, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t taps,
                        float *packed) {
  for (ptrdiff_t first = 0; first < outputs;) {
    const ptrdiff_t width = DD2_LANES * panel_vectors((outputs - first) / DD2_LANES);
    for (ptrdiff_t t = 0; t < taps; t++)
      for (ptrdiff_t i = 0; i < inputs; i++)
        for (ptrdiff_t o = first; o < first + width; o++) *packed++ = weight[(o * inputs + i) * taps + t] * factor[o];
    first += width;
  }
}

enum { MOST_PIXELS = 8 };
#define DD2_UNROLL _Pragma("clang loop unroll(full)")

// What a tile needs besides its pixels.
typedef struct {
  const float *weights, *bias;
  const ptrdiff_t *offsets;
  ptrdiff_t run, runs, panel;
  float least;
} tile_work;

typedef void (*tile_kernel)(const tile_work *w, const float *const *x, float *const *y);

// Kernels read `pixels` inputs and write as many outputs; unused places of a last tile repeat its last pixel.

#if defined(__x86_64__)
#define DD2_AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma")))

#define DD2_TILE_512(NAME, PIXELS, VECTORS)                                                                            \
  DD2_AVX512 static void NAME(const tile_work *w, const float *const *x, float *const *y) {                            \
    __m512 sum[PIXELS][VECTORS];                                                                                       \
    DD2_UNROLL for (int p = 0; p < PIXELS; p++)                                                                        \
      DD2_UNROLL for (int v = 0; v < VECTORS; v++) sum[p][v] = _mm512_loadu_ps(w->bias + 16 * v);                      \
    const float *weights = w->weights;                                                                                 \
    const ptrdiff_t run = w->run;                                                                                      \
    for (ptrdiff_t r = 0; r < w->runs; r++) {                                                                          \
      const float *from[PIXELS];                                                                                       \
      DD2_UNROLL for (int p = 0; p < PIXELS; p++) from[p] = x[p] + w->offsets[r];                                      \
      for (ptrdiff_t i = 0; i < run; i++, weights += 16 * VECTORS) {                                                   \
        __m512 factor[VECTORS];                                                                                        \
        DD2_UNROLL for (int v = 0; v < VECTORS; v++) factor[v] = _mm512_loadu_ps(weights + 16 * v);                    \
        DD2_UNROLL for (int p = 0; p < PIXELS; p++) {                                                                  \
          const __m512 value = _mm512_set1_ps(from[p][i]);                                                             \
          DD2_UNROLL for (int v = 0; v < VECTORS; v++) sum[p][v] = _mm512_fmadd_ps(value, factor[v], sum[p][v]);       \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
    /* NaN in the second operand stays. */                                                                             \
    const __m512 least = _mm512_set1_ps(w->least);                                                                     \
    DD2_UNROLL for (int p = 0; p < PIXELS; p++)                                                                        \
      DD2_UNROLL for (int v = 0; v < VECTORS; v++) _mm512_storeu_ps(y[p] + 16 * v, _mm512_max_ps(least, sum[p][v]));   \
  }

DD2_TILE_512(tile_512_4, 6, 4)
DD2_TILE_512(tile_512_3, 8, 3)
DD2_TILE_512(tile_512_2, 8, 2)
DD2_TILE_512(tile_512_1, 8, 1)
#endif

// Six pixels and 16 channels at a time: twelve sums in the sixteen registers of AVX2, which compilers split in two where
// vectors have four floats.
typedef float vector8 __attribute__((vector_size(32)));
typedef float unaligned8 __attribute__((vector_size(32), aligned(4)));

DD2_CLONES static void tile_any(const tile_work *w, const float *const *x, float *const *y) {
  enum { PIXELS = 6, HALVES = DD2_LANES / 8 };
  for (ptrdiff_t first = 0; first < w->panel; first += DD2_LANES) {
    vector8 sum[PIXELS][HALVES];
    for (int p = 0; p < PIXELS; p++)
      for (int h = 0; h < HALVES; h++) sum[p][h] = *(const unaligned8 *)(w->bias + first + 8 * h);
    const float *weights = w->weights + first;
    for (ptrdiff_t r = 0; r < w->runs; r++) {
      const float *from[PIXELS];
      for (int p = 0; p < PIXELS; p++) from[p] = x[p] + w->offsets[r];
      for (ptrdiff_t i = 0; i < w->run; i++, weights += w->panel) {
        const vector8 low = *(const unaligned8 *)weights, high = *(const unaligned8 *)(weights + 8);
        DD2_UNROLL for (int p = 0; p < PIXELS; p++) {
          sum[p][0] += from[p][i] * low;
          sum[p][1] += from[p][i] * high;
        }
      }
    }
    for (int p = 0; p < PIXELS; p++)
      for (int l = 0; l < DD2_LANES; l++) {
        const float value = sum[p][l / 8][l % 8];
        y[p][first + l] = value < w->least ? w->least : value;
      }
  }
}

// The kernel of a panel and the pixels of its tiles.
static tile_kernel kernel_of(ptrdiff_t vectors, int *pixels) {
#if defined(__x86_64__)
  if (dd2_cpu_has_avx512()) {
    *pixels = vectors == 4 ? 6 : 8;
    const tile_kernel kernels[] = {tile_512_1, tile_512_2, tile_512_3, tile_512_4};
    return kernels[vectors - 1];
  }
#endif
  *pixels = 6;
  return tile_any;
}

// A place in the output, and the pixel of x under it.
typedef struct {
  ptrdiff_t row, column;
  const float *x, *x_row, *x_image;
  float *y, *y_row, *y_image;
} cursor;

DD2_INLINE void advance(const dd2_inference_conv *c, cursor *at) {
  at->x += c->stride * c->x_strides.pixel;
  at->y += c->y_strides.pixel;
  if (++at->column < c->width) return;
  at->column = 0;
  at->x = at->x_row += c->stride * c->x_strides.row;
  at->y = at->y_row += c->y_strides.row;
  if (++at->row < c->height) return;
  at->row = 0;
  at->x = at->x_row = at->x_image += c->x_strides.image;
  at->y = at->y_row = at->y_image += c->y_strides.image;
}

void dd2_inference_convolve(const dd2_inference_conv *c) {
  const ptrdiff_t count = c->images * c->height * c->width, depth = c->run * c->runs;
  const float *weights = c->weights;
  for (ptrdiff_t first = 0; first < c->outputs;) {
    const ptrdiff_t vectors = panel_vectors((c->outputs - first) / DD2_LANES);
    const tile_work work = {weights, c->bias + first, c->offsets, c->run, c->runs, DD2_LANES * vectors,
                            c->least};
    int pixels;
    const tile_kernel kernel = kernel_of(vectors, &pixels);
    cursor at = {0, 0, c->x, c->x, c->x, c->y + first, c->y + first, c->y + first};
    for (ptrdiff_t done = 0; done < count; done += pixels) {
      const float *x[MOST_PIXELS];
      float *y[MOST_PIXELS];
      for (int p = 0; p < pixels; p++) {
        x[p] = at.x;
        y[p] = at.y;
        if (done + p + 1 < count) advance(c, &at);
      }
      kernel(&work, x, y);
    }
    weights += depth * work.panel;
    first += work.panel;
  }
}
