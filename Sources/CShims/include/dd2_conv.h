#ifndef DD2_CONV_H
#define DD2_CONV_H
#include <stddef.h>
#include <stdint.h>

// Convolution, group normalisation and resampling of channels-last feature maps. Each function works on the range
// that the caller gives it; threads are the caller's business.

// Extents of one convolution. Padding may be negative (the map is cropped), which the backward pass needs.
typedef struct {
  ptrdiff_t height, width, channels;
  ptrdiff_t kernel_height, kernel_width, stride, top, left;
  ptrdiff_t out_height, out_width;
} dd2_conv_geometry;

// The patches under `count` output pixels from `first` on, pixels numbered through the whole batch:
// columns (count, kernel_height, kernel_width, channels), zeros where a patch leaves the map.
void dd2_im2col(const float *x, const dd2_conv_geometry *g, ptrdiff_t first, ptrdiff_t count, float *columns);
// The transpose of dd2_im2col: adds each patch back to the pixels it was read from.
void dd2_col2im_add(const float *columns, const dd2_conv_geometry *g, ptrdiff_t first, ptrdiff_t count, float *x);
// `rows` copies of `row`.
void dd2_repeat_row(const float *row, ptrdiff_t rows, ptrdiff_t width, float *y);
// Weight (O, I, taps) to (O, taps, I), for outputs first..<last.
void dd2_conv_pack(const float *weight, ptrdiff_t inputs, ptrdiff_t taps, ptrdiff_t first, ptrdiff_t last,
                   float *packed);
// Weight (O, I, taps) to (I, reversed taps, O), for inputs first..<last: the kernel of the input gradient.
void dd2_conv_pack_flipped(const float *weight, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t taps, ptrdiff_t first,
                           ptrdiff_t last, float *packed);
// Sums `parts` arrays (O, taps, I) that follow each other, in order, into (O, I, taps), for outputs first..<last.
void dd2_conv_unpack_sum(const float *packed, ptrdiff_t parts, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t taps,
                         ptrdiff_t first, ptrdiff_t last, float *weight);

// Direct convolution with bias: results below `least` become `least` (0 is a ReLU), NaN stays. The sums of a result run
// over the kernel's positions and then the inputs, whatever else is computed.
// Outputs are a multiple of DD2_LANES, and a kernel has DD2_MOST_TAPS positions at most.
enum { DD2_LANES = 16, DD2_MOST_TAPS = 64 };
typedef struct {
  dd2_conv_geometry geometry;
  ptrdiff_t outputs;
  const float *x;
  const float *packed;  // dd2_conv_direct_pack
  const float *bias;    // (outputs)
  const float *zeros;   // (channels)
  float *y;
  float least;
} dd2_direct_conv;

// The outputs of one panel at `count` output pixels from `first` on, pixels numbered through the whole batch.
void dd2_conv_direct(const dd2_direct_conv *c, ptrdiff_t first, ptrdiff_t count, ptrdiff_t panel);
// Number of panels.
ptrdiff_t dd2_conv_direct_panels(ptrdiff_t outputs);
// Weight (O, I, taps) to one panel of `packed`: as many outputs as suit the processor, (taps, I, outputs).
void dd2_conv_direct_pack(const float *weight, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t taps, ptrdiff_t panel,
                          float *packed);
// x below 0 becomes 0.
void dd2_rectify(float *x, ptrdiff_t n);

// y = activation((x - mean) rstd weight + bias) for one image x (pixels, channels); writes mean and rstd (groups).
// scratch: 3 * channels doubles. `activation` is the raw value of TensorCore's Activation.
void dd2_groupnorm(const float *x, const float *weight, const float *bias, ptrdiff_t pixels, ptrdiff_t channels,
                   ptrdiff_t groups, float epsilon, int activation, double *scratch, float *y, float *mean,
                   float *rstd);
// Gradients for one image: grad_x (pixels, channels), and this image's share of grad_weight and grad_bias (channels).
// scratch: 4 * channels doubles.
void dd2_groupnorm_backward(const float *x, const float *grad_y, const float *weight, const float *bias,
                            const float *mean, const float *rstd, ptrdiff_t pixels, ptrdiff_t channels,
                            ptrdiff_t groups, int activation, double *scratch, float *grad_x, float *grad_weight,
                            float *grad_bias);

// Sparse linear map of the middle axis: x (outer, in, inner) to y (outer, out, inner), for rows first..<last of the
// outer * out rows of y. Row o is the sum of weights[k] * x[indices[k]] over offsets[o] <= k < offsets[o + 1].
void dd2_resample(const float *x, ptrdiff_t in, ptrdiff_t out, ptrdiff_t inner, const int32_t *offsets,
                  const int32_t *indices, const float *weights, ptrdiff_t first, ptrdiff_t last, float *y);

#endif
