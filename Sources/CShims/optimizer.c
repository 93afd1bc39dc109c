#include "dd2_kernels.h"
#include "simd.h"

DD2_CLONES
void dd2_adamw(float *restrict p, const float *restrict g, float *restrict m, float *restrict v, ptrdiff_t n,
               float learning_rate, float beta1, float beta2, float epsilon, float weight_decay, float gradient_scale,
               float correction1, float correction2) {
  float root2 = __builtin_sqrtf(correction2), step = learning_rate / correction1;
  float keep = 1.0f - learning_rate * weight_decay;
  for (ptrdiff_t i = 0; i < n; i++) {
    float gradient = g[i] * gradient_scale;
    m[i] = beta1 * m[i] + (1.0f - beta1) * gradient;
    v[i] = beta2 * v[i] + (1.0f - beta2) * gradient * gradient;
    p[i] = p[i] * keep - step * m[i] / (__builtin_sqrtf(v[i]) / root2 + epsilon);
  }
}

DD2_CLONES
void dd2_exponential_average(float *restrict average, const float *restrict value, float decay, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) average[i] = decay * average[i] + (1.0f - decay) * value[i];
}

DD2_CLONES
void dd2_accumulate(float *restrict y, const float *restrict x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] += x[i];
}
