#include "dd2_attention.h"
#include "rows.h"

DD2_CLONES
void dd2_attention_softmax(float *restrict scores, const ptrdiff_t *restrict visible, float *restrict log_sum,
                           float *restrict inverse_sum, ptrdiff_t rows, ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++, scores += width) {
    ptrdiff_t seen = visible ? visible[r] : width;
    float top = dd2_row_max(scores, seen), sum = 0;
    for (ptrdiff_t j = 0; j < seen; j++) {
      float e = dd2_expf(scores[j] - top);
      sum += e;
      scores[j] = e;
    }
    for (ptrdiff_t j = seen; j < width; j++) scores[j] = 0;
    log_sum[r] = top + logf(sum);
    inverse_sum[r] = 1.0f / sum;
  }
}

DD2_CLONES
void dd2_attention_softmax_backward(float *restrict scores, float *restrict grad_weights,
                                    const ptrdiff_t *restrict visible, const float *restrict log_sum,
                                    const float *restrict dots, ptrdiff_t rows, ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++, scores += width, grad_weights += width) {
    ptrdiff_t seen = visible ? visible[r] : width;
    float shift = log_sum[r], dot = dots[r];
    for (ptrdiff_t j = 0; j < seen; j++) {
      float p = dd2_expf(scores[j] - shift);
      scores[j] = p;
      grad_weights[j] = p * (grad_weights[j] - dot);
    }
    for (ptrdiff_t j = seen; j < width; j++) scores[j] = grad_weights[j] = 0;
  }
}

DD2_CLONES
void dd2_scale_rows(float *restrict x, ptrdiff_t pitch, const float *restrict factor, ptrdiff_t rows,
                    ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++, x += pitch)
    for (ptrdiff_t c = 0; c < width; c++) x[c] *= factor[r];
}

DD2_CLONES
void dd2_dot_rows(const float *restrict a, const float *restrict b, ptrdiff_t pitch, float *restrict dots,
                  ptrdiff_t rows, ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++, a += pitch, b += pitch) dots[r] = dd2_row_dot(a, b, width);
}

void dd2_zero_rows(float *x, ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++, x += pitch) memset(x, 0, sizeof(float) * (size_t)width);
}

static const float least_norm = 1e-12f;

DD2_CLONES
void dd2_normalize_qk_rows(const float *restrict x, const float *restrict scale, float *restrict y, ptrdiff_t rows,
                           ptrdiff_t heads, ptrdiff_t d) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    for (ptrdiff_t h = 0; h < 2 * heads; h++, x += d, y += d) {
      float norm = sqrtf(dd2_row_dot(x, x, d));
      float factor = (h < heads ? scale[h] : 1.0f) / (norm > least_norm ? norm : least_norm);
      for (ptrdiff_t c = 0; c < d; c++) y[c] = x[c] * factor;
    }
    memcpy(y, x, sizeof(float) * (size_t)(heads * d));
    x += heads * d;
    y += heads * d;
  }
}

// With u = x / n, n = max(|x|, least): grad_x = s/n (g - u (u.g)), the second term only above the floor;
// grad_s = g.u
DD2_CLONES
void dd2_normalize_qk_backward_rows(const float *restrict x, const float *restrict scale,
                                    const float *restrict grad_y, float *restrict grad_x,
                                    float *restrict grad_scale, ptrdiff_t rows, ptrdiff_t heads, ptrdiff_t d) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    for (ptrdiff_t h = 0; h < 2 * heads; h++, x += d, grad_y += d) {
      float norm = sqrtf(dd2_row_dot(x, x, d));
      float inverse = 1.0f / (norm > least_norm ? norm : least_norm);
      float along = dd2_row_dot(x, grad_y, d) * inverse;
      if (h < heads && grad_scale) grad_scale[h] += along;
      if (!grad_x) continue;
      float factor = (h < heads ? scale[h] : 1.0f) * inverse;
      float pull = norm > least_norm ? along * inverse : 0;
      for (ptrdiff_t c = 0; c < d; c++) grad_x[c] = factor * (grad_y[c] - pull * x[c]);
      grad_x += d;
    }
    if (grad_x) {
      memcpy(grad_x, grad_y, sizeof(float) * (size_t)(heads * d));
      grad_x += heads * d;
    }
    x += heads * d;
    grad_y += heads * d;
  }
}

DD2_CLONES
void dd2_rotary_rows(const float *restrict x, float *restrict y, const float *restrict cosine,
                     const float *restrict sine, ptrdiff_t first_row, ptrdiff_t rows, ptrdiff_t length,
                     ptrdiff_t table_offset, ptrdiff_t width, ptrdiff_t rotated, ptrdiff_t d, float sign) {
  ptrdiff_t pairs = d / 2;
  for (ptrdiff_t r = 0; r < rows; r++, x += width, y += width) {
    ptrdiff_t position = (first_row + r) % length + table_offset;
    const float *c = cosine + position * pairs, *s = sine + position * pairs;
    for (ptrdiff_t start = 0; start < rotated; start += d) {
      const float *from = x + start;
      float *to = y + start;
      for (ptrdiff_t i = 0; i < pairs; i++) {
        float even = from[2 * i], odd = from[2 * i + 1], turn = sign * s[i];
        to[2 * i] = even * c[i] - odd * turn;
        to[2 * i + 1] = odd * c[i] + even * turn;
      }
    }
    memcpy(y + rotated, x + rotated, sizeof(float) * (size_t)(width - rotated));
  }
}
