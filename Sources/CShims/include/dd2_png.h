#ifndef DD2_PNG_H
#define DD2_PNG_H

#include <stddef.h>
#include <stdint.h>

enum {
  DD2_PNG_OK = 0,
  DD2_PNG_NOT_PNG = 1,
  DD2_PNG_CORRUPT = 2,
  DD2_PNG_HAS_ALPHA = 3,
  DD2_PNG_TOO_LARGE = 4,
  DD2_PNG_NO_MEMORY = 5,
};

typedef struct {
  uint8_t *bytes;  // malloc'd: the caller frees it
  size_t count;
  uint32_t width, height;
} dd2_png_buffer;

/// Decodes a PNG of any colour type and depth to 8-bit RGB rows. Nothing is printed; `message` receives
/// libpng's text when the file is corrupt. Refuses more than `max_bytes` of pixels.
int dd2_png_decode(const uint8_t *bytes, size_t count, int drop_alpha, size_t max_bytes,
                   dd2_png_buffer *image, char *message, size_t capacity);

/// Encodes 8-bit RGB rows.
int dd2_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, dd2_png_buffer *file,
                   char *message, size_t capacity);

#endif
