#include "dd2_attention.h"
#include "rows.h"

// Rows are taken in blocks and codes in tiles that stay in the first-level cache, each tile serving the whole block.
enum { BLOCK = 16, LEAST_TILE = 64, TILE_ELEMENTS = 4096 };

static ptrdiff_t tile_width(ptrdiff_t padded) {
  ptrdiff_t width = TILE_ELEMENTS / padded / 16 * 16;
  return width < LEAST_TILE ? LEAST_TILE : width;
}

// One tile of scores, weights and products; then what `workspace` holds for each (level, row of the block).
ptrdiff_t dd2_posterior_scratch(ptrdiff_t levels, ptrdiff_t padded) {
  return levels * BLOCK * (3 + 3 * padded) + 2 * tile_width(padded);
}

void dd2_posterior_tables(const float *codebook, double *table, double *squares, float *table32, ptrdiff_t first,
                          ptrdiff_t last, ptrdiff_t codes, ptrdiff_t width, ptrdiff_t padded) {
  for (ptrdiff_t j = first; j < last; j++) squares[j] = 0;
  for (ptrdiff_t d = 0; d < padded; d++) {
    for (ptrdiff_t j = first; j < last; j++) {
      float c = d < width ? codebook[j * width + d] : 0;
      table[d * codes + j] = c;
      table32[d * codes + j] = c;
      squares[j] += (double)c * c;
    }
  }
}

// s_j += sum_d x_d table_dj over eight rows of the table at a time, so that s is seldom read and written.
DD2_INLINE void add_products(double *restrict s, const double *x, const double *table, ptrdiff_t pitch,
                             ptrdiff_t padded, ptrdiff_t n) {
  for (ptrdiff_t d = 0; d < padded; d += 8, table += 8 * pitch, x += 8) {
    const double *restrict t0 = table, *restrict t1 = t0 + pitch, *restrict t2 = t1 + pitch, *restrict t3 = t2 + pitch;
    const double *restrict t4 = t3 + pitch, *restrict t5 = t4 + pitch, *restrict t6 = t5 + pitch;
    const double *restrict t7 = t6 + pitch;
    double x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3], x4 = x[4], x5 = x[5], x6 = x[6], x7 = x[7];
    for (ptrdiff_t j = 0; j < n; j++)
      s[j] += x0 * t0[j] + x1 * t1[j] + x2 * t2[j] + x3 * t3[j] + x4 * t4[j] + x5 * t5[j] + x6 * t6[j] + x7 * t7[j];
  }
}

// The same in Float: h_j += sum_d g_d table_dj.
DD2_INLINE void add_products32(float *restrict h, const double *g, const float *table, ptrdiff_t pitch,
                               ptrdiff_t padded, ptrdiff_t n) {
  for (ptrdiff_t d = 0; d < padded; d += 4, table += 4 * pitch, g += 4) {
    const float *restrict t0 = table, *restrict t1 = t0 + pitch, *restrict t2 = t1 + pitch, *restrict t3 = t2 + pitch;
    float g0 = (float)g[0], g1 = (float)g[1], g2 = (float)g[2], g3 = (float)g[3];
    for (ptrdiff_t j = 0; j < n; j++) h[j] += g0 * t0[j] + g1 * t1[j] + g2 * t2[j] + g3 * t3[j];
  }
}

// sum_d += sum_j w_j table_dj
DD2_INLINE void add_weighted(double *sum, const float *restrict w, const float *table, ptrdiff_t pitch,
                             ptrdiff_t padded, ptrdiff_t n) {
  for (ptrdiff_t d = 0; d < padded; d += 4, table += 4 * pitch, sum += 4) {
    const float *restrict t0 = table, *restrict t1 = t0 + pitch, *restrict t2 = t1 + pitch, *restrict t3 = t2 + pitch;
    float a0 = 0, a1 = 0, a2 = 0, a3 = 0;
    for (ptrdiff_t j = 0; j < n; j++) {
      a0 += w[j] * t0[j];
      a1 += w[j] * t1[j];
      a2 += w[j] * t2[j];
      a3 += w[j] * t3[j];
    }
    sum[0] += a0;
    sum[1] += a1;
    sum[2] += a2;
    sum[3] += a3;
  }
}

DD2_INLINE double top_of(const double *s, ptrdiff_t n) {
  double lanes[16], top = -INFINITY;
  ptrdiff_t whole = n - n % 16;
  for (int l = 0; l < 16; l++) lanes[l] = -INFINITY;
  for (ptrdiff_t j = 0; j < whole; j += 16)
    for (int l = 0; l < 16; l++) lanes[l] = s[j + l] > lanes[l] ? s[j + l] : lanes[l];
  for (int l = 0; l < 16; l++) top = lanes[l] > top ? lanes[l] : top;
  for (ptrdiff_t j = whole; j < n; j++) top = s[j] > top ? s[j] : top;
  return top;
}

// Scores of a tile, without |x|^2/(2t^2), which all codes share:
// s_j = log p_j + (1-t)/t^2 x.c_j - (1-t)^2/(2t^2) |c_j|^2; `query` is (1-t)/t^2 x.
DD2_INLINE void tile_scores(const dd2_posterior *p, const double *query, double t, const float *restrict log_p,
                            ptrdiff_t first, ptrdiff_t n, double *restrict s) {
  const double *restrict squares = p->squares + first;
  double curve = (1 - t) * (1 - t) / (2 * t * t);
  for (ptrdiff_t j = 0; j < n; j++) s[j] = log_p[first + j] - curve * squares[j];
  add_products(s, query, p->table + first, p->codes, p->padded, n);
}

// (1-t)/t^2 x, padded with zeros.
DD2_INLINE void set_query(const dd2_posterior *p, ptrdiff_t index, double *query) {
  double t = p->t[index], slope = (1 - t) / (t * t);
  for (ptrdiff_t d = 0; d < p->padded; d++) query[d] = d < p->width ? slope * p->x[index * p->width + d] : 0;
}

// A slot is a (level, row of the block): its running maximum and sums, query, and gradient of the mean.
typedef struct {
  double *scores;
  float *weights, *products;
  double *query, *vector, *gradient;  // (slots, padded)
  double *top, *sum, *centre;         // (slots)
} workspace;

static workspace workspace_of(const dd2_posterior *p, double *scratch) {
  ptrdiff_t count = p->levels * BLOCK, tile = tile_width(p->padded);
  workspace w;
  w.scores = scratch;
  w.weights = (float *)(w.scores + tile);
  w.products = w.weights + tile;
  w.query = w.scores + 2 * tile;
  w.vector = w.query + count * p->padded;
  w.gradient = w.vector + count * p->padded;
  w.top = w.gradient + count * p->padded;
  w.sum = w.top + count;
  w.centre = w.sum + count;
  return w;
}

// Online softmax: the running sums belong to the maximum so far and are rescaled when a tile raises it.
DD2_INLINE void forward_tile(const dd2_posterior *p, const workspace *w, ptrdiff_t slot, double t,
                             const float *log_p, ptrdiff_t first, ptrdiff_t n) {
  double *restrict s = w->scores, *vector = w->vector + slot * p->padded;
  float *restrict weights = w->weights, sum = 0;
  tile_scores(p, w->query + slot * p->padded, t, log_p, first, n, s);
  double tile_top = top_of(s, n), top = w->top[slot];
  if (tile_top < top - 88) return;  // Every weight would be zero.
  if (tile_top > top) {
    double factor = exp(top - tile_top);
    for (ptrdiff_t d = 0; d < p->padded; d++) vector[d] *= factor;
    w->sum[slot] *= factor;
    w->top[slot] = top = tile_top;
  }
  for (ptrdiff_t j = 0; j < n; j++) {
    weights[j] = dd2_expf((float)(s[j] - top));
    sum += weights[j];
  }
  w->sum[slot] += sum;
  add_weighted(vector, weights, p->table32 + first, p->codes, p->padded, n);
}

DD2_INLINE void finish_row(const dd2_posterior *p, const workspace *w, ptrdiff_t slot, ptrdiff_t index, float *mean,
                           float *log_sum) {
  double inverse = 1 / w->sum[slot];
  for (ptrdiff_t d = 0; d < p->width; d++)
    mean[index * p->width + d] = (float)(w->vector[slot * p->padded + d] * inverse);
  double total = w->top[slot] + log(w->sum[slot]);
  log_sum[2 * index] = (float)total;
  log_sum[2 * index + 1] = (float)(total - (float)total);
}

DD2_CLONES
void dd2_posterior_rows(const dd2_posterior *p, ptrdiff_t first, ptrdiff_t last, float *restrict mean,
                        float *restrict log_sum, double *restrict scratch) {
  workspace w = workspace_of(p, scratch);
  ptrdiff_t tile = tile_width(p->padded);
  for (ptrdiff_t start = first; start < last; start += BLOCK) {
    ptrdiff_t end = start + BLOCK < last ? start + BLOCK : last, height = end - start;
    for (ptrdiff_t slot = 0; slot < p->levels * height; slot++) {
      w.top[slot] = -1e300;  // Finite, so that a difference from -infinity is no NaN.
      w.sum[slot] = 0;
      for (ptrdiff_t d = 0; d < p->padded; d++) w.vector[slot * p->padded + d] = 0;
      set_query(p, slot / height * p->rows + start + slot % height, w.query + slot * p->padded);
    }
    for (ptrdiff_t j = 0; j < p->codes; j += tile) {
      ptrdiff_t n = j + tile < p->codes ? tile : p->codes - j;
      for (ptrdiff_t slot = 0; slot < p->levels * height; slot++) {
        ptrdiff_t row = start + slot % height, index = slot / height * p->rows + row;
        forward_tile(p, &w, slot, p->t[index], p->log_p + row * p->codes, j, n);
      }
    }
    for (ptrdiff_t slot = 0; slot < p->levels * height; slot++)
      finish_row(p, &w, slot, slot / height * p->rows + start + slot % height, mean, log_sum);
  }
}

typedef struct {
  const float *mean, *log_sum, *grad_mean;
  float *grad_x, *grad_log_p;
} gradients;

// The gradient of the mean, padded with zeros, and its product with the mean.
DD2_INLINE void set_gradient(const dd2_posterior *p, const workspace *w, const gradients *g, ptrdiff_t slot,
                             ptrdiff_t index) {
  double *gradient = w->gradient + slot * p->padded, centre = 0;
  for (ptrdiff_t d = 0; d < p->padded; d++) gradient[d] = 0;
  for (ptrdiff_t d = 0; d < p->width; d++) {
    gradient[d] = g->grad_mean[index * p->width + d];
    centre += gradient[d] * g->mean[index * p->width + d];
  }
  w->centre[slot] = centre;
}

// With h_j = (c_j - mean).g: grad_log_p_j += w_j h_j; sums w_j h_j c_j and w_j h_j for grad_x.
DD2_INLINE void backward_tile(const dd2_posterior *p, const workspace *w, const gradients *g, ptrdiff_t slot,
                              ptrdiff_t index, ptrdiff_t first, ptrdiff_t n) {
  double *restrict s = w->scores;
  float *restrict weights = w->weights, *restrict products = w->products, sum = 0, weighted = 0;
  ptrdiff_t row = index % p->rows;
  tile_scores(p, w->query + slot * p->padded, p->t[index], p->log_p + row * p->codes, first, n, s);
  double total = (double)g->log_sum[2 * index] + g->log_sum[2 * index + 1];
  for (ptrdiff_t j = 0; j < n; j++) {
    weights[j] = dd2_expf((float)(s[j] - total));
    sum += weights[j];
  }
  float *restrict grad_log_p = g->grad_log_p ? g->grad_log_p + row * p->codes + first : NULL;
  if (grad_log_p && index < p->rows) memset(grad_log_p, 0, sizeof(float) * (size_t)n);
  if (sum == 0) return;
  float centre = (float)w->centre[slot];
  for (ptrdiff_t j = 0; j < n; j++) products[j] = -centre;
  add_products32(products, w->gradient + slot * p->padded, p->table32 + first, p->codes, p->padded, n);
  if (grad_log_p)
    for (ptrdiff_t j = 0; j < n; j++) grad_log_p[j] += weights[j] * products[j];
  if (!g->grad_x) return;
  for (ptrdiff_t j = 0; j < n; j++) {
    weights[j] *= products[j];
    weighted += weights[j];
  }
  w->sum[slot] += weighted;
  add_weighted(w->vector + slot * p->padded, weights, p->table32 + first, p->codes, p->padded, n);
}

// grad_x = (1-t)/t^2 (sum_j w_j h_j c_j - mean sum_j w_j h_j). Centred: a weight near one, whose h is
// pure rounding, is multiplied by c_j - mean, which is near zero.
DD2_INLINE void finish_grad_x(const dd2_posterior *p, const workspace *w, const gradients *g, ptrdiff_t slot,
                              ptrdiff_t index) {
  double t = p->t[index];
  for (ptrdiff_t d = 0; d < p->width; d++) {
    double spread = w->vector[slot * p->padded + d] - (double)g->mean[index * p->width + d] * w->sum[slot];
    g->grad_x[index * p->width + d] = (float)((1 - t) * spread / (t * t));
  }
}

DD2_CLONES
void dd2_posterior_backward_rows(const dd2_posterior *p, ptrdiff_t first, ptrdiff_t last, const float *mean,
                                 const float *log_sum, const float *grad_mean, float *grad_x, float *grad_log_p,
                                 double *scratch) {
  workspace w = workspace_of(p, scratch);
  gradients g = {mean, log_sum, grad_mean, grad_x, grad_log_p};
  ptrdiff_t tile = tile_width(p->padded);
  for (ptrdiff_t start = first; start < last; start += BLOCK) {
    ptrdiff_t end = start + BLOCK < last ? start + BLOCK : last, height = end - start;
    for (ptrdiff_t slot = 0; slot < p->levels * height; slot++) {
      w.sum[slot] = 0;
      for (ptrdiff_t d = 0; d < p->padded; d++) w.vector[slot * p->padded + d] = 0;
      ptrdiff_t index = slot / height * p->rows + start + slot % height;
      set_query(p, index, w.query + slot * p->padded);
      set_gradient(p, &w, &g, slot, index);
    }
    for (ptrdiff_t j = 0; j < p->codes; j += tile) {
      ptrdiff_t n = j + tile < p->codes ? tile : p->codes - j;
      for (ptrdiff_t slot = 0; slot < p->levels * height; slot++)
        backward_tile(p, &w, &g, slot, slot / height * p->rows + start + slot % height, j, n);
    }
    if (!grad_x) continue;
    for (ptrdiff_t slot = 0; slot < p->levels * height; slot++)
      finish_grad_x(p, &w, &g, slot, slot / height * p->rows + start + slot % height);
  }
}
