#include "dd2_png.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIDE = 65535 };

typedef struct {
  const uint8_t *bytes;
  size_t count, position;
} source;

typedef struct {
  dd2_png_buffer *file;
  size_t capacity;
} sink;

typedef struct {
  char *text;
  size_t capacity;
} message_buffer;

static void on_error(png_structp png, png_const_charp text) {
  message_buffer *message = png_get_error_ptr(png);
  snprintf(message->text, message->capacity, "%s", text);
  longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
  source *from = png_get_io_ptr(png);
  if (count > from->count - from->position) png_error(png, "the file ends too early");
  memcpy(out, from->bytes + from->position, count);
  from->position += count;
}

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
  sink *to = png_get_io_ptr(png);
  if (to->file->count + count > to->capacity) {
    size_t wanted = 2 * (to->file->count + count);
    uint8_t *grown = realloc(to->file->bytes, wanted);
    if (!grown) png_error(png, "out of memory");
    to->file->bytes = grown;
    to->capacity = wanted;
  }
  memcpy(to->file->bytes + to->file->count, bytes, count);
  to->file->count += count;
}

static void flush_bytes(png_structp png) { (void)png; }

/// libpng leaves by longjmp, so what must survive it is set before `setjmp` and lives behind pointers.
typedef struct {
  png_structp png;
  png_infop info;
  png_bytep *rows;
} reader;

static int decode(reader *state, int drop_alpha, size_t max_bytes, dd2_png_buffer *image) {
  png_structp png = state->png;
  png_infop info = state->info;
  if (setjmp(png_jmpbuf(png))) return DD2_PNG_CORRUPT;

  // The sides are checked below, where the refusal can be told from damage.
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  // Nothing of these is used, and each could unfold to megabytes.
  static const png_byte ignored[] = "tEXt\0zTXt\0iTXt\0iCCP\0sPLT\0eXIf";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, ignored, sizeof ignored / 5);
  png_read_info(png, info);
  image->width = png_get_image_width(png, info);
  image->height = png_get_image_height(png, info);
  if (image->width > MAX_SIDE || image->height > MAX_SIDE) return DD2_PNG_TOO_LARGE;
  image->count = (size_t)image->width * image->height * 3;
  if (image->count > max_bytes) return DD2_PNG_TOO_LARGE;

  int has_alpha = (png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA) ||
                  png_get_valid(png, info, PNG_INFO_tRNS);
  if (has_alpha && !drop_alpha) return DD2_PNG_HAS_ALPHA;

  png_set_expand(png);
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  if (has_alpha) png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != (size_t)image->width * 3) png_error(png, "unexpected row size");

  image->bytes = malloc(image->count);
  state->rows = malloc(sizeof(png_bytep) * image->height);
  if (!image->bytes || !state->rows) return DD2_PNG_NO_MEMORY;
  for (uint32_t y = 0; y < image->height; y++) {
    state->rows[y] = image->bytes + (size_t)y * image->width * 3;
  }
  png_read_image(png, state->rows);
  png_read_end(png, NULL);
  return DD2_PNG_OK;
}

int dd2_png_decode(const uint8_t *bytes, size_t count, int drop_alpha, size_t max_bytes,
                   dd2_png_buffer *image, char *message, size_t capacity) {
  memset(image, 0, sizeof *image);
  if (capacity) message[0] = 0;
  if (count < 8 || png_sig_cmp(bytes, 0, 8)) return DD2_PNG_NOT_PNG;

  message_buffer text = {message, capacity};
  source from = {bytes, count, 0};
  reader state = {png_create_read_struct(PNG_LIBPNG_VER_STRING, &text, on_error, on_warning), NULL, NULL};
  if (!state.png) return DD2_PNG_NO_MEMORY;
  state.info = png_create_info_struct(state.png);
  int status = DD2_PNG_NO_MEMORY;
  if (state.info) {
    png_set_read_fn(state.png, &from, read_bytes);
    status = decode(&state, drop_alpha, max_bytes, image);
  }
  png_destroy_read_struct(&state.png, &state.info, NULL);
  free(state.rows);
  if (status != DD2_PNG_OK) {
    free(image->bytes);
    image->bytes = NULL;
  }
  return status;
}

static int encode(png_structp png, png_infop info, const uint8_t *pixels, uint32_t width, uint32_t height) {
  if (setjmp(png_jmpbuf(png))) return DD2_PNG_CORRUPT;
  png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (uint32_t y = 0; y < height; y++) png_write_row(png, pixels + (size_t)y * width * 3);
  png_write_end(png, NULL);
  return DD2_PNG_OK;
}

int dd2_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, dd2_png_buffer *file,
                   char *message, size_t capacity) {
  memset(file, 0, sizeof *file);
  if (capacity) message[0] = 0;
  message_buffer text = {message, capacity};
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &text, on_error, on_warning);
  if (!png) return DD2_PNG_NO_MEMORY;
  png_infop info = png_create_info_struct(png);
  int status = DD2_PNG_NO_MEMORY;
  sink to = {file, 0};
  if (info) {
    png_set_write_fn(png, &to, write_bytes, flush_bytes);
    status = encode(png, info, pixels, width, height);
  }
  png_destroy_write_struct(&png, &info);
  if (status != DD2_PNG_OK) {
    free(file->bytes);
    file->bytes = NULL;
  }
  return status;
}
