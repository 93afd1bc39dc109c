#include "dd2_norm.h"

#include "rows.h"

DD2_CLONES
void dd2_norm_rows(const float *restrict x, const float *restrict multiplier, float offset,
                   const float *restrict shift, float *restrict y, float *restrict mean, float *restrict inverse,
                   ptrdiff_t rows, ptrdiff_t width, int centred, float epsilon) {
  for (ptrdiff_t r = 0; r < rows; r++, x += width, y += width) {
    float centre = 0, squares = 0;
    if (centred) {
      for (ptrdiff_t c = 0; c < width; c++) centre += x[c];
      centre /= (float)width;
    }
    for (ptrdiff_t c = 0; c < width; c++) squares += (x[c] - centre) * (x[c] - centre);
    float scale = 1.0f / sqrtf(squares / (float)width + epsilon);
    mean[r] = centre;
    inverse[r] = scale;
    if (multiplier && shift) {
      for (ptrdiff_t c = 0; c < width; c++)
        y[c] = (x[c] - centre) * scale * (offset + multiplier[c]) + shift[c];
    } else if (multiplier) {
      for (ptrdiff_t c = 0; c < width; c++) y[c] = (x[c] - centre) * scale * (offset + multiplier[c]);
    } else if (shift) {
      for (ptrdiff_t c = 0; c < width; c++) y[c] = (x[c] - centre) * scale + shift[c];
    } else {
      for (ptrdiff_t c = 0; c < width; c++) y[c] = (x[c] - centre) * scale;
    }
  }
}

// With h = grad_y (offset + multiplier) and n the normalised row:
// grad_x = inverse (h - mean(h) - n mean(h n)), the middle term only where the row was centred.
DD2_INLINE void norm_grad_x(const float *restrict x, const float *restrict grad_y, float centre, float inverse,
                            const float *restrict multiplier, float offset, float *restrict grad_x, ptrdiff_t width,
                            int centred) {
  float sum = 0, weighted = 0;
  if (multiplier) {
    for (ptrdiff_t c = 0; c < width; c++) {
      float h = grad_y[c] * (offset + multiplier[c]);
      sum += h;
      weighted += h * (x[c] - centre);
      grad_x[c] = h;
    }
  } else {
    for (ptrdiff_t c = 0; c < width; c++) {
      sum += grad_y[c];
      weighted += grad_y[c] * (x[c] - centre);
      grad_x[c] = grad_y[c];
    }
  }
  float average = centred ? sum / (float)width : 0;
  float slope = weighted * inverse * inverse / (float)width;
  for (ptrdiff_t c = 0; c < width; c++) grad_x[c] = inverse * (grad_x[c] - average - slope * (x[c] - centre));
}

DD2_CLONES
void dd2_norm_backward_rows(const float *restrict x, const float *restrict grad_y, const float *restrict mean,
                            const float *restrict inverse, const float *restrict multiplier, float offset,
                            float *restrict grad_x, float *restrict grad_multiplier, float *restrict grad_shift,
                            ptrdiff_t rows, ptrdiff_t width, int centred) {
  for (ptrdiff_t r = 0; r < rows; r++, x += width, grad_y += width) {
    float centre = mean[r], scale = inverse[r];
    if (grad_multiplier)
      for (ptrdiff_t c = 0; c < width; c++) grad_multiplier[c] += grad_y[c] * (x[c] - centre) * scale;
    if (grad_shift)
      for (ptrdiff_t c = 0; c < width; c++) grad_shift[c] += grad_y[c];
    if (grad_x) {
      norm_grad_x(x, grad_y, centre, scale, multiplier, offset, grad_x, width, centred);
      grad_x += width;
    }
  }
}

DD2_CLONES
void dd2_gated_rows(const float *restrict x, const float *restrict y, const float *restrict gate, float *restrict z,
                    ptrdiff_t rows, ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++, x += width, y += width, z += width)
    for (ptrdiff_t c = 0; c < width; c++) z[c] = x[c] + gate[c] * y[c];
}

DD2_CLONES
void dd2_gated_backward_rows(const float *restrict y, const float *restrict gate, const float *restrict grad_z,
                             float *restrict grad_y, float *restrict grad_gate, ptrdiff_t rows, ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++, y += width, grad_z += width) {
    if (grad_gate)
      for (ptrdiff_t c = 0; c < width; c++) grad_gate[c] += y[c] * grad_z[c];
    if (grad_y) {
      for (ptrdiff_t c = 0; c < width; c++) grad_y[c] = gate[c] * grad_z[c];
      grad_y += width;
    }
  }
}

DD2_CLONES
void dd2_add_row(const float *restrict x, float *restrict y, ptrdiff_t width) {
  for (ptrdiff_t c = 0; c < width; c++) y[c] += x[c];
}
