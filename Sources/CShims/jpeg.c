#include "dd2_jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

enum {
  MAX_SIDE = 65500,  // libjpeg's own
  MAX_SCANS = 500,
};

/// Pixels that all scans together may pass over: a file of a few KB can claim the largest image and go over it again and
/// again.
static const uint64_t max_scanned = (uint64_t)1 << 32;

/// libjpeg leaves by longjmp, so what must survive it lives here, behind a pointer. The error manager comes first: libjpeg
/// hands it back, and it stands for the whole.
typedef struct {
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf leave;
  char *message;
  size_t capacity;
  int status;
  uint8_t *line;
} reader;

static void fail(j_common_ptr jpeg, int status, const char *text) {
  reader *state = (reader *)jpeg->err;
  state->status = status;
  snprintf(state->message, state->capacity, "%s", text);
  longjmp(state->leave, 1);
}

static void fail_with_text(j_common_ptr jpeg, int status) {
  char text[JMSG_LENGTH_MAX];
  (*jpeg->err->format_message)(jpeg, text);
  fail(jpeg, status, text);
}

static void on_error(j_common_ptr jpeg) {
  switch (jpeg->err->msg_code) {
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED: fail_with_text(jpeg, DD2_JPEG_UNSUPPORTED); break;
    case JERR_IMAGE_TOO_BIG:
    case JERR_NO_BACKING_STORE:
    case JERR_OUT_OF_MEMORY:
    case JERR_WIDTH_OVERFLOW: fail_with_text(jpeg, DD2_JPEG_TOO_LARGE); break;
    default: fail_with_text(jpeg, DD2_JPEG_CORRUPT);
  }
}

/// A warning is what libjpeg makes up for. These lose no pixel; all others do.
static void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_ICC:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL: return;
    default: fail_with_text(jpeg, DD2_JPEG_CORRUPT);
  }
}

static void on_output(j_common_ptr jpeg) { (void)jpeg; }

static void on_progress(j_common_ptr common) {
  j_decompress_ptr jpeg = (j_decompress_ptr)common;
  uint64_t scans = (uint64_t)jpeg->input_scan_number;
  if (scans > MAX_SCANS || scans * jpeg->image_width * jpeg->image_height > max_scanned)
    fail(common, DD2_JPEG_CORRUPT, "it has more scans than any use");
}

/// Of a product of two bytes, rounded: exact division by 255.
static inline int over_255(int x) { return (x + 128 + ((x + 128) >> 8)) >> 8; }

/// Inverted inks to RGB, as Pillow converts them (`src/libImaging/Convert.c`).
static void from_inks(const uint8_t *inks, uint8_t *rgb, uint32_t width) {
  for (uint32_t x = 0; x < width; x++) {
    int light = inks[4 * x + 3];
    for (int c = 0; c < 3; c++) rgb[3 * x + c] = (uint8_t)(light - over_255((255 - inks[4 * x + c]) * light));
  }
}

static void read_header(j_decompress_ptr jpeg, size_t max_bytes, dd2_jpeg_buffer *image) {
  j_common_ptr common = (j_common_ptr)jpeg;
  jpeg_read_header(jpeg, TRUE);
  image->width = jpeg->image_width;
  image->height = jpeg->image_height;
  if (image->width > MAX_SIDE || image->height > MAX_SIDE) fail(common, DD2_JPEG_TOO_LARGE, "");
  image->count = (size_t)image->width * image->height * 3;
  if (image->count > max_bytes) fail(common, DD2_JPEG_TOO_LARGE, "");
  // Later versions read other depths by other functions.
  if (jpeg->data_precision != 8) fail(common, DD2_JPEG_UNSUPPORTED, "its samples have not 8 bits");
  switch (jpeg->num_components) {
    case 1:
    case 3: jpeg->out_color_space = JCS_RGB; break;
    case 4: jpeg->out_color_space = JCS_CMYK; break;
    default: fail(common, DD2_JPEG_UNSUPPORTED, "it has neither one, three nor four colour components");
  }
}

static void read_pixels(reader *state, j_decompress_ptr jpeg, dd2_jpeg_buffer *image) {
  j_common_ptr common = (j_common_ptr)jpeg;
  int is_inks = jpeg->out_color_space == JCS_CMYK;
  image->bytes = malloc(image->count);
  if (is_inks) state->line = malloc((size_t)image->width * 4);
  if (!image->bytes || (is_inks && !state->line)) fail(common, DD2_JPEG_TOO_LARGE, "");
  jpeg_start_decompress(jpeg);
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *row = image->bytes + (size_t)jpeg->output_scanline * image->width * 3;
    JSAMPROW target = is_inks ? state->line : row;
    if (jpeg_read_scanlines(jpeg, &target, 1) == 1 && is_inks) from_inks(state->line, row, image->width);
  }
  // Reads on to the end of the image, and so finds that it is missing.
  jpeg_finish_decompress(jpeg);
}

static int decode(reader *state, j_decompress_ptr jpeg, const uint8_t *bytes, size_t count, size_t max_bytes,
                  dd2_jpeg_buffer *image) {
  if (setjmp(state->leave)) return state->status;
  jpeg_create_decompress(jpeg);
  jpeg->progress = &state->progress;
  // Coefficients of all scans take two bytes a sample, sides padded to whole blocks.
  jpeg->mem->max_memory_to_use = (long)(3 * max_bytes);
  jpeg_mem_src(jpeg, bytes, (unsigned long)count);
  read_header(jpeg, max_bytes, image);
  read_pixels(state, jpeg, image);
  return DD2_JPEG_OK;
}

int dd2_jpeg_decode(const uint8_t *bytes, size_t count, size_t max_bytes, dd2_jpeg_buffer *image, char *message,
                    size_t capacity) {
  memset(image, 0, sizeof *image);
  if (capacity) message[0] = 0;
  reader state = {.message = message, .capacity = capacity};
  struct jpeg_decompress_struct jpeg;
  memset(&jpeg, 0, sizeof jpeg);
  jpeg.err = jpeg_std_error(&state.errors);
  state.errors.error_exit = on_error;
  state.errors.emit_message = on_message;
  state.errors.output_message = on_output;
  state.progress.progress_monitor = on_progress;
  int status = decode(&state, &jpeg, bytes, count, max_bytes, image);
  jpeg_destroy_decompress(&jpeg);
  free(state.line);
  if (status != DD2_JPEG_OK) {
    free(image->bytes);
    image->bytes = NULL;
  }
  return status;
}
