#ifndef DD2_INFERENCE_H
#define DD2_INFERENCE_H
#include <stddef.h>

// Channels that a vector holds; convolutions have a multiple of it as outputs.
enum { DD2_LANES = 16 };

// A feature map in memory: images of rows of pixels of channels, all distances in floats.
typedef struct {
  ptrdiff_t image, row, pixel;
} dd2_map_strides;

// A convolution with bias over some images; results below `least` become `least` (0 is a ReLU). Output pixel (i, r, c)
// reads runs of `run` consecutive floats that begin at x + i x_strides.image + stride (r x_strides.row +
// c x_strides.pixel) + offsets[k]: a run is a kernel position's channels, or a whole kernel row's where pixels lie
// without a gap.
typedef struct {
  const float *x;
  dd2_map_strides x_strides;
  float *y;
  dd2_map_strides y_strides;
  ptrdiff_t images, height, width;  // of y
  ptrdiff_t stride;
  ptrdiff_t run, runs;
  const ptrdiff_t *offsets;  // (runs)
  const float *weights;      // dd2_inference_pack
  const float *bias;         // (outputs)
  ptrdiff_t outputs;         // a multiple of DD2_LANES
  float least;
} dd2_inference_conv;

void dd2_inference_convolve(const dd2_inference_conv *c);

// weight (outputs, inputs, taps) to panels of 64, 48 or 32 (a lone 16) outputs, each (taps, inputs, panel); every output
// times its factor.
void dd2_inference_pack(const float *weight, const float *factor, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t taps,
                        float *packed);

// Windows of `side` x `side` pixels of x (height, width) that begin `padding` pixels before its corner; what lies
// outside of x counts for nothing. y has (out_height, out_width).
typedef struct {
  const float *x;
  dd2_map_strides x_strides;
  float *y;
  dd2_map_strides y_strides;
  ptrdiff_t images, height, width, out_height, out_width, channels;
  ptrdiff_t side, stride, padding;
} dd2_inference_pool;

void dd2_inference_max_pool(const dd2_inference_pool *p);
void dd2_inference_average_pool(const dd2_inference_pool *p);

// The mean over all pixels of each image: y (images, channels), rows `y_pitch` apart.
void dd2_inference_mean(const float *x, dd2_map_strides strides, ptrdiff_t images, ptrdiff_t height, ptrdiff_t width,
                        ptrdiff_t channels, float *y, ptrdiff_t y_pitch);
void dd2_inference_copy(const float *x, dd2_map_strides x_strides, ptrdiff_t images, ptrdiff_t height, ptrdiff_t width,
                        ptrdiff_t channels, float *y, dd2_map_strides y_strides);
// Zeros in `rows` rows above and below each image and `columns` pixels beside each row; x is the first pixel inside.
void dd2_inference_zero_border(float *x, dd2_map_strides strides, ptrdiff_t images, ptrdiff_t height, ptrdiff_t width,
                               ptrdiff_t rows, ptrdiff_t columns);
// y = round((x + 1) 127.5) / divisor, the bytes that pixels in [-1, 1] were.
void dd2_image_bytes(const float *x, float divisor, float *y, ptrdiff_t n);

#endif
