#include "dd2_kernels.h"
#include "simd.h"

// Raw values of TensorCore's UnaryOperation and BinaryOperation.
enum { EXP, SQRT, RECIPROCAL, SQUARE, ABS, SILU, GELU, SIN, COS, LOG, RELU };
enum { ADD, SUBTRACT, MULTIPLY, DIVIDE };

#define EACH(expression)                                                                                             \
  for (ptrdiff_t i = 0; i < n; i++) {                                                                                \
    float v = x[i];                                                                                                  \
    y[i] = (expression);                                                                                             \
  }                                                                                                                  \
  break

static const float SQRT_2_OVER_PI = 0.7978845608f, GELU_CUBIC = 0.044715f;

// GELU in its tanh form, as in VAR's feed-forward.
DD2_INLINE float gelu(float v) {
  return 0.5f * v * (1.0f + dd2_tanhf(SQRT_2_OVER_PI * (v + GELU_CUBIC * v * v * v)));
}

DD2_INLINE float gelu_derivative(float v) {
  float t = dd2_tanhf(SQRT_2_OVER_PI * (v + GELU_CUBIC * v * v * v));
  float inner = SQRT_2_OVER_PI * (1.0f + 3.0f * GELU_CUBIC * v * v);
  return 0.5f * (1.0f + t) + 0.5f * v * (1.0f - t * t) * inner;
}

DD2_CLONES
void dd2_unary(int operation, const float *restrict x, float *restrict y, ptrdiff_t n) {
  switch (operation) {
    case EXP: EACH(dd2_expf(v));
    case SQRT: EACH(__builtin_sqrtf(v));
    case RECIPROCAL: EACH(1.0f / v);
    case SQUARE: EACH(v * v);
    case ABS: EACH(__builtin_fabsf(v));
    case SILU: EACH(v * dd2_sigmoidf(v));
    case GELU: EACH(gelu(v));
    case SIN: EACH(sinf(v));
    case COS: EACH(cosf(v));
    case LOG: EACH(logf(v));
    case RELU: EACH(v < 0.0f ? 0.0f : v);
  }
}

#undef EACH
#define EACH(expression)                                                                                             \
  for (ptrdiff_t i = 0; i < n; i++) {                                                                                \
    float v = x[i];                                                                                                  \
    grad_x[i] = grad_y[i] * (expression);                                                                            \
  }                                                                                                                  \
  break

DD2_INLINE float silu_derivative(float v) {
  float s = dd2_sigmoidf(v);
  return s * (1.0f + v * (1.0f - s));
}

DD2_CLONES
void dd2_unary_backward(int operation, const float *restrict x, const float *restrict grad_y, float *restrict grad_x,
                        ptrdiff_t n) {
  switch (operation) {
    case EXP: EACH(dd2_expf(v));
    case SQRT: EACH(0.5f / __builtin_sqrtf(v));
    case RECIPROCAL: EACH(-1.0f / (v * v));
    case SQUARE: EACH(2.0f * v);
    case ABS: EACH((float)((v > 0) - (v < 0)));
    case SILU: EACH(silu_derivative(v));
    case GELU: EACH(gelu_derivative(v));
    case SIN: EACH(cosf(v));
    case COS: EACH(-sinf(v));
    case LOG: EACH(1.0f / v);
    case RELU: EACH((float)(v > 0.0f));
  }
}

#undef EACH

DD2_CLONES
void dd2_affine(const float *restrict x, float scale, float offset, float *restrict y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] = scale * x[i] + offset;
}

DD2_CLONES
void dd2_clamp(const float *restrict x, float low, float high, float *restrict y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    float v = x[i] < low ? low : x[i];
    y[i] = v > high ? high : v;
  }
}

DD2_CLONES
void dd2_clamp_backward(const float *restrict x, const float *restrict grad_y, float low, float high,
                        float *restrict grad_x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) grad_x[i] = x[i] >= low && x[i] <= high ? grad_y[i] : 0.0f;
}

DD2_CLONES
void dd2_image_bytes(const float *restrict x, float divisor, float *restrict y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    float byte = __builtin_rintf((x[i] + 1.0f) * 127.5f);
    byte = byte < 0.0f ? 0.0f : byte;
    y[i] = (byte > 255.0f ? 255.0f : byte) / divisor;
  }
}

#define BINARY_LOOPS(expression)                                                                                     \
  if (a_stride && b_stride) {                                                                                        \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                              \
      float u = a[i], v = b[i];                                                                                      \
      y[i] = (expression);                                                                                           \
    }                                                                                                                \
  } else if (a_stride) {                                                                                             \
    float v = b[0];                                                                                                  \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                              \
      float u = a[i];                                                                                                \
      y[i] = (expression);                                                                                           \
    }                                                                                                                \
  } else {                                                                                                           \
    float u = a[0];                                                                                                  \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                              \
      float v = b_stride ? b[i] : b[0];                                                                              \
      y[i] = (expression);                                                                                           \
    }                                                                                                                \
  }                                                                                                                  \
  break

DD2_CLONES
void dd2_binary(int operation, const float *restrict a, ptrdiff_t a_stride, const float *restrict b,
                ptrdiff_t b_stride, float *restrict y, ptrdiff_t n) {
  switch (operation) {
    case ADD: BINARY_LOOPS(u + v);
    case SUBTRACT: BINARY_LOOPS(u - v);
    case MULTIPLY: BINARY_LOOPS(u * v);
    case DIVIDE: BINARY_LOOPS(u / v);
  }
}
