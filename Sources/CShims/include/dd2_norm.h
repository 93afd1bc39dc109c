#ifndef DD2_NORM_H
#define DD2_NORM_H
#include <stddef.h>
#include <stdint.h>

// Row normalisation, y = (x - mean) inverse (offset + multiplier) + shift, over `rows` rows of `width` that share
// one multiplier and one shift. `centred` 0 leaves the mean at zero (RMS norm). NULL multiplier: factor 1; NULL
// shift: none. Writes each row's mean and inverse deviation.
void dd2_norm_rows(const float *x, const float *multiplier, float offset, const float *shift, float *y, float *mean,
                   float *inverse, ptrdiff_t rows, ptrdiff_t width, int centred, float epsilon);
// Adds to grad_multiplier and grad_shift, writes grad_x; each of the three may be NULL.
void dd2_norm_backward_rows(const float *x, const float *grad_y, const float *mean, const float *inverse,
                            const float *multiplier, float offset, float *grad_x, float *grad_multiplier,
                            float *grad_shift, ptrdiff_t rows, ptrdiff_t width, int centred);

// z = x + gate y over rows that share one gate.
void dd2_gated_rows(const float *x, const float *y, const float *gate, float *z, ptrdiff_t rows, ptrdiff_t width);
// grad_y = gate grad_z; grad_gate += sum over rows of y grad_z. Either may be NULL.
void dd2_gated_backward_rows(const float *y, const float *gate, const float *grad_z, float *grad_y, float *grad_gate,
                             ptrdiff_t rows, ptrdiff_t width);

// y[0..width) += x
void dd2_add_row(const float *x, float *y, ptrdiff_t width);

#endif
