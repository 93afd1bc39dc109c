#ifndef DD2_KERNELS_H
#define DD2_KERNELS_H
#include <stddef.h>
#include <stdint.h>

// Elementwise kernels over n contiguous elements; operation codes are the raw values of the Swift enums.
void dd2_unary(int operation, const float *x, float *y, ptrdiff_t n);
void dd2_unary_backward(int operation, const float *x, const float *grad_y, float *grad_x, ptrdiff_t n);
void dd2_affine(const float *x, float scale, float offset, float *y, ptrdiff_t n);
void dd2_clamp(const float *x, float low, float high, float *y, ptrdiff_t n);
void dd2_clamp_backward(const float *x, const float *grad_y, float low, float high, float *grad_x, ptrdiff_t n);
// y = round((x + 1) 127.5) / divisor, the bytes that pixels in [-1, 1] were.
void dd2_image_bytes(const float *x, float divisor, float *y, ptrdiff_t n);
// One run of n elements; a stride of 0 repeats the operand's first element.
void dd2_binary(int operation, const float *a, ptrdiff_t a_stride, const float *b, ptrdiff_t b_stride, float *y,
                ptrdiff_t n);

// Sums, in double. The first over rows of `axis` elements; the second over `axis` rows of `inner` elements that lie
// `pitch` apart, with scratch for `inner` doubles.
void dd2_sum_last(const float *x, ptrdiff_t rows, ptrdiff_t axis, float *y);
void dd2_sum_middle(const float *x, ptrdiff_t axis, ptrdiff_t inner, ptrdiff_t pitch, float *y, double *scratch);
double dd2_sum_of_squares(const float *x, ptrdiff_t n);
int dd2_all_finite(const float *x, ptrdiff_t n);
int32_t dd2_argmax(const float *x, ptrdiff_t n);

// Choosing among n tokens: the one at which the cumulative distribution passes `target` in [0, 1).
int32_t dd2_draw(const float *log_p, float target, ptrdiff_t n);
// y = x, but `removed` for all but the top_k largest (0: all; ties stay) and, of these, all but the most likely ones whose
// mass reaches top_p. `order` is scratch for n indices.
void dd2_keep_likely(const float *x, float *y, int32_t *order, ptrdiff_t n, ptrdiff_t top_k, float top_p,
                     float removed);

// Optimiser.
void dd2_adamw(float *p, const float *g, float *m, float *v, ptrdiff_t n, float learning_rate, float beta1,
               float beta2, float epsilon, float weight_decay, float gradient_scale, float correction1,
               float correction2);
void dd2_exponential_average(float *average, const float *value, float decay, ptrdiff_t n);
void dd2_accumulate(float *y, const float *x, ptrdiff_t n);

#endif
