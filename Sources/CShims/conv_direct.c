#include "dd2_blas.h"
#include "dd2_conv.h"

#include "simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// A tile of output pixels times a panel of output channels stays in registers while all runs go by: a run is what lies
// side by side in x under the kernel, one of its rows, or one of its positions where a patch leaves the map.
// Weights of a panel are read from the second-level cache once per tile; pixels of a tile may lie anywhere, so rows of
// any width fill whole tiles.

// Some neighbouring outputs, in vectors.
typedef struct {
  ptrdiff_t first, vectors;
} panel;

// Most vectors of a panel: with the pixels of a tile, what the registers hold.
static ptrdiff_t most_vectors(void) {
#if defined(__x86_64__)
  if (dd2_cpu_has_avx512()) return 4;
#endif
  return 1;
}

// All panels are alike but the last one; where that would be one vector instead of four, it takes another from its
// neighbour.
static panel panel_of(ptrdiff_t outputs, ptrdiff_t index) {
  const ptrdiff_t most = most_vectors(), left = outputs / DD2_LANES - most * index;
  if (most > 1 && left == most + 1) return (panel){most * index, most - 1};
  if (most > 1 && left == 1 && index > 0) return (panel){most * index - 1, 2};
  return (panel){most * index, left < most ? left : most};
}

ptrdiff_t dd2_conv_direct_panels(ptrdiff_t outputs) {
  const ptrdiff_t most = most_vectors();
  return (outputs / DD2_LANES + most - 1) / most;
}

void dd2_conv_direct_pack(const float *weight, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t taps, ptrdiff_t index,
                          float *packed) {
  const panel p = panel_of(outputs, index);
  const ptrdiff_t first = DD2_LANES * p.first, width = DD2_LANES * p.vectors;
  packed += first * inputs * taps;
  for (ptrdiff_t t = 0; t < taps; t++)
    for (ptrdiff_t i = 0; i < inputs; i++)
      for (ptrdiff_t o = first; o < first + width; o++) *packed++ = weight[(o * inputs + i) * taps + t];
}

enum { MOST_PIXELS = 8 };
#define DD2_UNROLL _Pragma("clang loop unroll(full)")

// What the tiles of a panel share.
typedef struct {
  const float *weights, *bias;
  float least;
} panel_work;

// Run r of pixel p is `run` floats from x[r * step + p] + offsets[r] on: x is either the corners of patches, the same
// ones for every run, or a list for each run, MOST_PIXELS long.
typedef struct {
  ptrdiff_t run, runs, step;
  const ptrdiff_t *offsets;
} run_layout;

// Unused places of a last tile repeat its last pixel.
typedef void (*tile_kernel)(const panel_work *w, const run_layout *l, const float *const *x, float *const *y);

#if defined(__x86_64__)
#define DD2_AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma")))

#define DD2_TILE_512(NAME, PIXELS, VECTORS)                                                                            \
  DD2_AVX512 static void NAME(const panel_work *w, const run_layout *l, const float *const *x, float *const *y) {      \
    __m512 sum[PIXELS][VECTORS];                                                                                       \
    DD2_UNROLL for (int p = 0; p < PIXELS; p++)                                                                        \
      DD2_UNROLL for (int v = 0; v < VECTORS; v++) sum[p][v] = _mm512_loadu_ps(w->bias + 16 * v);                      \
    const float *weights = w->weights;                                                                                 \
    const ptrdiff_t run = l->run;                                                                                      \
    for (ptrdiff_t r = 0; r < l->runs; r++) {                                                                          \
      const float *from[PIXELS];                                                                                       \
      DD2_UNROLL for (int p = 0; p < PIXELS; p++) from[p] = x[r * l->step + p] + l->offsets[r];                        \
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

// Six pixels and a panel of 16 outputs: twelve sums in the sixteen registers of AVX2, which compilers split in two
// where vectors have four floats. Every loop over sums is unrolled, or they would lie in memory.
typedef float vector8 __attribute__((vector_size(32)));
typedef int32_t mask8 __attribute__((vector_size(32)));
typedef float unaligned8 __attribute__((vector_size(32), aligned(4)));

DD2_CLONES static void tile_any(const panel_work *w, const run_layout *l, const float *const *x,
                                float *const *y) {
  // Tiles differ in how a pixel's patch is cut into runs; its sums may not.
#pragma clang fp reassociate(off)
  enum { PIXELS = 6 };
  vector8 low[PIXELS], high[PIXELS];
  DD2_UNROLL for (int p = 0; p < PIXELS; p++) {
    low[p] = *(const unaligned8 *)w->bias;
    high[p] = *(const unaligned8 *)(w->bias + 8);
  }
  const float *weights = w->weights;
  for (ptrdiff_t r = 0; r < l->runs; r++) {
    const float *from[PIXELS];
    DD2_UNROLL for (int p = 0; p < PIXELS; p++) from[p] = x[r * l->step + p] + l->offsets[r];
    for (ptrdiff_t i = 0; i < l->run; i++, weights += DD2_LANES) {
      const vector8 a = *(const unaligned8 *)weights, b = *(const unaligned8 *)(weights + 8);
      DD2_UNROLL for (int p = 0; p < PIXELS; p++) {
        low[p] += from[p][i] * a;
        high[p] += from[p][i] * b;
      }
    }
  }
  const vector8 least = w->least - (vector8){0};
  DD2_UNROLL for (int p = 0; p < PIXELS; p++) {
    // NaN is not smaller.
    const mask8 below[2] = {low[p] < least, high[p] < least};
    *(unaligned8 *)y[p] = (vector8)(((mask8)least & below[0]) | ((mask8)low[p] & ~below[0]));
    *(unaligned8 *)(y[p] + 8) = (vector8)(((mask8)least & below[1]) | ((mask8)high[p] & ~below[1]));
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

// An output pixel, where its results go, and where the corner of its patch lies in x.
typedef struct {
  ptrdiff_t image, row, column, corner;
  float *y;
} cursor;

// Output rows and columns whose patches lie inside the map.
typedef struct {
  ptrdiff_t first_row, last_row, first_column, last_column;
} interior;

// The first output whose patch begins inside, and the last one whose patch ends there; -1 where none does.
static ptrdiff_t first_inside(ptrdiff_t padding, ptrdiff_t stride) {
  return padding > 0 ? (padding + stride - 1) / stride : 0;
}

static ptrdiff_t last_inside(ptrdiff_t extent, ptrdiff_t padding, ptrdiff_t kernel, ptrdiff_t stride) {
  return extent + padding >= kernel ? (extent + padding - kernel) / stride : -1;
}

static interior interior_of(const dd2_conv_geometry *g) {
  return (interior){first_inside(g->top, g->stride), last_inside(g->height, g->top, g->kernel_height, g->stride),
                    first_inside(g->left, g->stride), last_inside(g->width, g->left, g->kernel_width, g->stride)};
}

DD2_INLINE void find_corner(const dd2_conv_geometry *g, cursor *at) {
  const ptrdiff_t top = at->row * g->stride - g->top, left = at->column * g->stride - g->left;
  at->corner = ((at->image * g->height + top) * g->width + left) * g->channels;
}

DD2_INLINE void advance(const dd2_direct_conv *c, cursor *at) {
  const dd2_conv_geometry *g = &c->geometry;
  at->corner += g->stride * g->channels;
  at->y += c->outputs;
  if (++at->column < g->out_width) return;
  at->column = 0;
  if (++at->row == g->out_height) {
    at->row = 0;
    at->image++;
  }
  find_corner(g, at);
}

// Where the kernel's positions begin on the patch of a pixel; those outside of the map read zeros.
static void find_positions(const dd2_direct_conv *c, const cursor *at, const float **from) {
  const dd2_conv_geometry *g = &c->geometry;
  const ptrdiff_t top = at->row * g->stride - g->top, left = at->column * g->stride - g->left;
  for (ptrdiff_t u = 0; u < g->kernel_height; u++)
    for (ptrdiff_t v = 0; v < g->kernel_width; v++, from += MOST_PIXELS) {
      const int inside = top + u >= 0 && top + u < g->height && left + v >= 0 && left + v < g->width;
      *from = inside ? c->x + (at->corner + (u * g->width + v) * g->channels) : c->zeros;
    }
}

void dd2_conv_direct(const dd2_direct_conv *c, ptrdiff_t first, ptrdiff_t count, ptrdiff_t index) {
  static const ptrdiff_t none[DD2_MOST_TAPS];
  const dd2_conv_geometry *g = &c->geometry;
  ptrdiff_t rows[DD2_MOST_TAPS];
  for (ptrdiff_t u = 0; u < g->kernel_height; u++) rows[u] = u * g->width * g->channels;
  const run_layout whole = {g->kernel_width * g->channels, g->kernel_height, 0, rows};
  const run_layout cut = {g->channels, g->kernel_height * g->kernel_width, MOST_PIXELS, none};
  const interior in = interior_of(g);
  const panel p = panel_of(c->outputs, index);
  const ptrdiff_t output = DD2_LANES * p.first, row = first / g->out_width;
  const panel_work work = {c->packed + output * whole.run * whole.runs, c->bias + output, c->least};
  int pixels;
  const tile_kernel kernel = kernel_of(p.vectors, &pixels);
  cursor at = {row / g->out_height, row % g->out_height, first % g->out_width, 0, c->y + first * c->outputs + output};
  find_corner(g, &at);
  for (ptrdiff_t done = 0; done < count; done += pixels) {
    const float *from[DD2_MOST_TAPS * MOST_PIXELS];
    float *y[MOST_PIXELS];
    const cursor start = at;
    const ptrdiff_t used = count - done < pixels ? count - done : pixels;
    int inside = 1;
    for (int i = 0; i < pixels; i++) {
      inside &= at.row >= in.first_row && at.row <= in.last_row && at.column >= in.first_column &&
                at.column <= in.last_column;
      from[i] = c->x + at.corner;
      y[i] = at.y;
      if (i + 1 < used) advance(c, &at);
    }
    if (!inside) {
      at = start;
      for (int i = 0; i < pixels; i++) {
        find_positions(c, &at, from + i);
        if (i + 1 < used) advance(c, &at);
      }
    }
    advance(c, &at);
    kernel(&work, inside ? &whole : &cut, from, y);
  }
}
