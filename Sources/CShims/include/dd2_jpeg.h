#ifndef DD2_JPEG_H
#define DD2_JPEG_H

#include <stddef.h>
#include <stdint.h>

enum {
  DD2_JPEG_OK = 0,
  DD2_JPEG_CORRUPT = 1,
  DD2_JPEG_UNSUPPORTED = 2,
  DD2_JPEG_TOO_LARGE = 3,
};

typedef struct {
  uint8_t *bytes;  // malloc'd: the caller frees it
  size_t count;
  uint32_t width, height;
} dd2_jpeg_buffer;

/// Decodes a JPEG file to 8-bit RGB rows, as they lie in it: no orientation is applied. Gray is repeated; the four inks
/// of CMYK and YCCK are taken for inverted, as Adobe writes them. Nothing is printed; `message` receives what is wrong.
/// Data that ends early or cannot be decoded is an error, where libjpeg itself would go on with gray. Refuses more than
/// `max_bytes` of pixels, and scans that cost more than files of any use.
int dd2_jpeg_decode(const uint8_t *bytes, size_t count, size_t max_bytes, dd2_jpeg_buffer *image, char *message,
                    size_t capacity);

#endif
