#ifndef DD2_SIMD_H
#define DD2_SIMD_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Compiled three times, the best one picked when the program loads.
#if defined(__x86_64__) && defined(__linux__)
#define DD2_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DD2_CLONES
#endif
#define DD2_INLINE static inline __attribute__((always_inline))

// Branch-free so that loops over them vectorise. Relative error below 2e-7; NaN stays NaN, and beyond the range
// of Float the result is 0 or infinity.
DD2_INLINE float dd2_expf(float x) {
  float clamped = x > 88.72283f ? 88.72283f : x;
  clamped = clamped < -87.33654f ? -87.33654f : clamped;
  float n = __builtin_rintf(clamped * 1.44269504f);
  float r = clamped - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  float y = p * r * r + r + 1.0f;
  // Times 2^n in the exponent's bits: 2^128 is no float. Of NaN, which has no n, y is NaN already.
  int32_t whole = (int32_t)(n == n ? n : 0.0f), bits;
  memcpy(&bits, &y, 4);
  bits += (int32_t)((uint32_t)whole << 23);
  memcpy(&y, &bits, 4);
  y = x < -87.33654f ? 0.0f : y;
  return x > 88.72283f ? INFINITY : y;
}

DD2_INLINE float dd2_sigmoidf(float x) { return 1.0f / (1.0f + dd2_expf(-x)); }

DD2_INLINE float dd2_tanhf(float x) {
  // 1 - 2 / (e^2x + 1) loses digits near 0, where the series is exact to the last one.
  float far = 1.0f - 2.0f / (dd2_expf(2.0f * x) + 1.0f);
  float s = x * x;
  float near = x * (1.0f + s * (-0.33333333f + s * (0.13333333f + s * (-0.05396825f))));
  return __builtin_fabsf(x) < 0.1f ? near : far;
}

#endif
