#include "dd2_conv.h"
#include "simd.h"

// Raw values of TensorCore's Activation.
enum { NONE, SILU, RELU };

// Adds, per channel, the sums over `rows` pixels of a and of a * b. In Double: as good as two passes, since a mean
// so large against the deviation that it would matter has already cost the Float inputs those digits.
DD2_INLINE void add_products(const float *a, const float *b, ptrdiff_t rows, ptrdiff_t C, double *restrict sums,
                             double *restrict products) {
  ptrdiff_t r = 0;
  for (; r + 4 <= rows; r += 4, a += 4 * C, b += 4 * C)
    for (ptrdiff_t c = 0; c < C; c++) {
      double a0 = a[c], a1 = a[C + c], a2 = a[2 * C + c], a3 = a[3 * C + c];
      sums[c] += (a0 + a1) + (a2 + a3);
      products[c] += (a0 * b[c] + a1 * b[C + c]) + (a2 * b[2 * C + c] + a3 * b[3 * C + c]);
    }
  for (; r < rows; r++, a += C, b += C)
    for (ptrdiff_t c = 0; c < C; c++) {
      sums[c] += a[c];
      products[c] += (double)a[c] * b[c];
    }
}

// Per channel, the line that normalisation amounts to: (x - mean) rstd weight + bias = x scale + shift.
DD2_INLINE void affine_of(const float *weight, const float *bias, const float *mean, const float *rstd, ptrdiff_t C,
                          ptrdiff_t groups, float *scale, float *shift) {
  for (ptrdiff_t c = 0; c < C; c++) {
    ptrdiff_t group = c / (C / groups);
    double slope = (double)rstd[group] * weight[c];
    scale[c] = (float)slope;
    shift[c] = (float)(bias[c] - mean[group] * slope);
  }
}

DD2_CLONES void dd2_groupnorm(const float *x, const float *weight, const float *bias, ptrdiff_t pixels,
                              ptrdiff_t channels, ptrdiff_t groups, float epsilon, int activation, double *scratch,
                              float *restrict y, float *mean, float *rstd) {
  const ptrdiff_t C = channels, width = C / groups;
  double *sums = scratch, *squares = scratch + C;
  float *restrict scale = (float *)(scratch + 2 * C), *restrict shift = scale + C;
  memset(scratch, 0, sizeof(double) * 2 * (size_t)C);
  add_products(x, x, pixels, C, sums, squares);
  for (ptrdiff_t group = 0; group < groups; group++) {
    double sum = 0, square = 0, count = (double)(width * pixels);
    for (ptrdiff_t c = group * width; c < (group + 1) * width; c++) sum += sums[c], square += squares[c];
    double variance = square / count - sum / count * (sum / count);
    mean[group] = (float)(sum / count);
    rstd[group] = (float)(1 / sqrt((variance > 0 ? variance : 0) + epsilon));
  }
  affine_of(weight, bias, mean, rstd, C, groups, scale, shift);
  for (ptrdiff_t p = 0; p < pixels; p++, x += C, y += C) {
    if (activation == SILU)
      for (ptrdiff_t c = 0; c < C; c++) {
        float v = x[c] * scale[c] + shift[c];
        y[c] = v * dd2_sigmoidf(v);
      }
    else if (activation == RELU)
      for (ptrdiff_t c = 0; c < C; c++) {
        float v = x[c] * scale[c] + shift[c];
        y[c] = v < 0.0f ? 0.0f : v;
      }
    else
      for (ptrdiff_t c = 0; c < C; c++) y[c] = x[c] * scale[c] + shift[c];
  }
}

// Gradient before the activation: g = grad_y activation'(x scale + shift).
DD2_INLINE void before_activation(const float *x, const float *grad_y, const float *restrict scale,
                                  const float *restrict shift, ptrdiff_t rows, ptrdiff_t C, int activation,
                                  float *restrict g) {
  for (ptrdiff_t r = 0; r < rows; r++, x += C, grad_y += C, g += C) {
    if (activation == SILU)
      for (ptrdiff_t c = 0; c < C; c++) {
        float v = x[c] * scale[c] + shift[c], s = dd2_sigmoidf(v);
        g[c] = grad_y[c] * (s * (1.0f + v * (1.0f - s)));
      }
    else if (activation == RELU)
      for (ptrdiff_t c = 0; c < C; c++) g[c] = x[c] * scale[c] + shift[c] > 0.0f ? grad_y[c] : 0.0f;
    else
      memcpy(g, grad_y, sizeof(float) * (size_t)C);
  }
}

// Per group, with n elements: grad_x = rstd (g w - sum(g w)/n - xhat sum(g w xhat)/n), as g slope + x tilt + level.
DD2_INLINE void gradient_lines(const float *weight, const float *mean, const float *rstd, const double *sums,
                               const double *normalised, ptrdiff_t pixels, ptrdiff_t C, ptrdiff_t groups,
                               float *slope, float *tilt, float *level) {
  const ptrdiff_t width = C / groups;
  for (ptrdiff_t group = 0; group < groups; group++) {
    double first = 0, second = 0, count = (double)(width * pixels);
    for (ptrdiff_t c = group * width; c < (group + 1) * width; c++) {
      first += weight[c] * sums[c];
      second += weight[c] * normalised[c];
    }
    double r = rstd[group], towards = -r * r * second / count;
    for (ptrdiff_t c = group * width; c < (group + 1) * width; c++) {
      slope[c] = (float)(r * weight[c]);
      tilt[c] = (float)towards;
      level[c] = (float)(-r * first / count - mean[group] * towards);
    }
  }
}

DD2_CLONES void dd2_groupnorm_backward(const float *x, const float *grad_y, const float *weight, const float *bias,
                                       const float *mean, const float *rstd, ptrdiff_t pixels, ptrdiff_t channels,
                                       ptrdiff_t groups, int activation, double *scratch, float *restrict grad_x,
                                       float *grad_weight, float *grad_bias) {
  enum { BLOCK = 4 };  // pixels: g is still in the first-level cache when it is summed
  const ptrdiff_t C = channels;
  double *sums = scratch, *products = scratch + C;
  float *restrict slope = (float *)(scratch + 2 * C), *restrict tilt = slope + C, *restrict level = tilt + C;
  memset(scratch, 0, sizeof(double) * 2 * (size_t)C);
  affine_of(weight, bias, mean, rstd, C, groups, slope, tilt);
  for (ptrdiff_t p = 0; p < pixels; p += BLOCK) {
    ptrdiff_t rows = pixels - p < BLOCK ? pixels - p : BLOCK;
    before_activation(x + p * C, grad_y + p * C, slope, tilt, rows, C, activation, grad_x + p * C);
    add_products(grad_x + p * C, x + p * C, rows, C, sums, products);
  }
  for (ptrdiff_t c = 0; c < C; c++) {
    ptrdiff_t group = c / (C / groups);
    products[c] = rstd[group] * (products[c] - mean[group] * sums[c]);
    grad_weight[c] = (float)products[c];
    grad_bias[c] = (float)sums[c];
  }
  gradient_lines(weight, mean, rstd, sums, products, pixels, C, groups, slope, tilt, level);
  for (ptrdiff_t p = 0; p < pixels; p++, x += C, grad_x += C)
    for (ptrdiff_t c = 0; c < C; c++) grad_x[c] = grad_x[c] * slope[c] + (x[c] * tilt[c] + level[c]);
}
