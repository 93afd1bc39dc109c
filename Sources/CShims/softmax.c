#include "dd2_attention.h"
#include "rows.h"

DD2_CLONES
void dd2_softmax_rows(const float *restrict x, float *restrict y, ptrdiff_t rows, ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++, x += width, y += width) {
    float top = dd2_row_max(x, width), sum = 0;
    for (ptrdiff_t j = 0; j < width; j++) {
      float e = dd2_expf(x[j] - top);
      sum += e;
      y[j] = e;
    }
    float inverse = 1.0f / sum;
    for (ptrdiff_t j = 0; j < width; j++) y[j] *= inverse;
  }
}

DD2_CLONES
void dd2_log_softmax_rows(const float *restrict x, float *restrict y, ptrdiff_t rows, ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++, x += width, y += width) {
    float top = dd2_row_max(x, width);
    float log_sum = top + logf(dd2_row_exp_sum(x, top, width));
    for (ptrdiff_t j = 0; j < width; j++) y[j] = x[j] - log_sum;
  }
}

DD2_CLONES
void dd2_softmax_backward_rows(const float *restrict y, const float *restrict grad_y, float *restrict grad_x,
                               ptrdiff_t rows, ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++, y += width, grad_y += width, grad_x += width) {
    float dot = dd2_row_dot(y, grad_y, width);
    for (ptrdiff_t j = 0; j < width; j++) grad_x[j] = y[j] * (grad_y[j] - dot);
  }
}

DD2_CLONES
void dd2_log_softmax_backward_rows(const float *restrict y, const float *restrict grad_y, float *restrict grad_x,
                                   ptrdiff_t rows, ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++, y += width, grad_y += width, grad_x += width) {
    float sum = 0;
    for (ptrdiff_t j = 0; j < width; j++) sum += grad_y[j];
    for (ptrdiff_t j = 0; j < width; j++) grad_x[j] = grad_y[j] - dd2_expf(y[j]) * sum;
  }
}

DD2_CLONES
void dd2_cross_entropy_rows(const float *restrict x, const int32_t *restrict targets, float *restrict loss,
                            float *restrict log_sum, ptrdiff_t rows, ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++, x += width) {
    float top = dd2_row_max(x, width);
    float log_scale = logf(dd2_row_exp_sum(x, top, width));
    log_sum[r] = top + log_scale;
    loss[r] = log_scale - (x[targets[r]] - top);
  }
}

DD2_CLONES
void dd2_cross_entropy_backward_rows(const float *restrict x, const int32_t *restrict targets,
                                     const float *restrict log_sum, const float *restrict grad_loss,
                                     float *restrict grad_x, ptrdiff_t rows, ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++, x += width, grad_x += width) {
    float g = grad_loss[r], shift = log_sum[r];
    for (ptrdiff_t j = 0; j < width; j++) grad_x[j] = g * dd2_expf(x[j] - shift);
    grad_x[targets[r]] -= g;
  }
}
