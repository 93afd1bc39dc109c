#ifndef DD2_ATTENTION_H
#define DD2_ATTENTION_H
#include <stddef.h>
#include <stdint.h>

// Softmax family over `rows` rows of `width` (softmax.c).
void dd2_softmax_rows(const float *x, float *y, ptrdiff_t rows, ptrdiff_t width);
void dd2_log_softmax_rows(const float *x, float *y, ptrdiff_t rows, ptrdiff_t width);
void dd2_softmax_backward_rows(const float *y, const float *grad_y, float *grad_x, ptrdiff_t rows, ptrdiff_t width);
void dd2_log_softmax_backward_rows(const float *y, const float *grad_y, float *grad_x, ptrdiff_t rows,
                                   ptrdiff_t width);
void dd2_cross_entropy_rows(const float *x, const int32_t *targets, float *loss, float *log_sum, ptrdiff_t rows,
                            ptrdiff_t width);
void dd2_cross_entropy_backward_rows(const float *x, const int32_t *targets, const float *log_sum,
                                     const float *grad_loss, float *grad_x, ptrdiff_t rows, ptrdiff_t width);

// One tile of attention scores (rows, width), dense. Row r sees its first visible[r] keys (NULL: all).
// Scores become exp(score - row maximum), zero where not seen.
void dd2_attention_softmax(float *scores, const ptrdiff_t *visible, float *log_sum, float *inverse_sum,
                           ptrdiff_t rows, ptrdiff_t width);
// Scores become the weights P = exp(score - log_sum), grad_weights becomes P (grad_weights - dots).
void dd2_attention_softmax_backward(float *scores, float *grad_weights, const ptrdiff_t *visible,
                                    const float *log_sum, const float *dots, ptrdiff_t rows, ptrdiff_t width);
// Pitched rows: x[r] *= factor[r]; dots[r] = a[r].b[r]; x = 0.
void dd2_scale_rows(float *x, ptrdiff_t pitch, const float *factor, ptrdiff_t rows, ptrdiff_t width);
void dd2_dot_rows(const float *a, const float *b, ptrdiff_t pitch, float *dots, ptrdiff_t rows, ptrdiff_t width);
void dd2_zero_rows(float *x, ptrdiff_t pitch, ptrdiff_t rows, ptrdiff_t width);

// Rows q|k|v of 3 heads d: each head of q becomes scale_h q / max(|q|, 1e-12), of k likewise without the scale.
void dd2_normalize_qk_rows(const float *x, const float *scale, float *y, ptrdiff_t rows, ptrdiff_t heads,
                           ptrdiff_t d);
// Writes grad_x and adds to grad_scale (heads); either may be NULL.
void dd2_normalize_qk_backward_rows(const float *x, const float *scale, const float *grad_y, float *grad_x,
                                    float *grad_scale, ptrdiff_t rows, ptrdiff_t heads, ptrdiff_t d);

// Rotates the pairs of the first `rotated` columns of each row and copies the others. Row r stands at table row
// (first_row + r) % length + table_offset; `sign` -1 applies the transpose.
void dd2_rotary_rows(const float *x, float *y, const float *cosine, const float *sine, ptrdiff_t first_row,
                     ptrdiff_t rows, ptrdiff_t length, ptrdiff_t table_offset, ptrdiff_t width, ptrdiff_t rotated,
                     ptrdiff_t d, float sign);

// What the codebook posterior reads (posterior.c). `table` is the codebook transposed, in Double because exponents
// reach 1e5 while weights need their absolute error below 1e-4; `table32` the same in Float; both with zero rows up
// to a multiple of 8.
typedef struct {
  const float *x;         // (levels, rows, width)
  const float *t;         // (levels, rows)
  const float *log_p;     // (rows, codes)
  const double *table;    // (padded, codes)
  const double *squares;  // (codes): |c|^2
  const float *table32;   // (padded, codes)
  ptrdiff_t levels, rows, width, padded, codes;
} dd2_posterior;

// Fills table, squares and table32 for codes first..<last; the tables' padding rows too.
void dd2_posterior_tables(const float *codebook, double *table, double *squares, float *table32, ptrdiff_t first,
                          ptrdiff_t last, ptrdiff_t codes, ptrdiff_t width, ptrdiff_t padded);
// Doubles of scratch that one call of the two functions below needs.
ptrdiff_t dd2_posterior_scratch(ptrdiff_t levels, ptrdiff_t padded);
// Rows first..<last of log_p, at every level. log_sum holds two Floats an element, high and low part.
void dd2_posterior_rows(const dd2_posterior *p, ptrdiff_t first, ptrdiff_t last, float *mean, float *log_sum,
                        double *scratch);
// grad_x or grad_log_p may be NULL (not wanted).
void dd2_posterior_backward_rows(const dd2_posterior *p, ptrdiff_t first, ptrdiff_t last, const float *mean,
                                 const float *log_sum, const float *grad_mean, float *grad_x, float *grad_log_p,
                                 double *scratch);

#endif
