#include "dd2_inflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct dd2_inflate {
  z_stream z;
};

// zlib counts in 32 bits.
enum { LARGEST = 1 << 30 };

dd2_inflate *dd2_inflate_open(void) {
  dd2_inflate *stream = calloc(1, sizeof *stream);
  // Negative window bits: no header, as in zip files.
  if (stream && inflateInit2(&stream->z, -MAX_WBITS) != Z_OK) {
    free(stream);
    return NULL;
  }
  return stream;
}

void dd2_inflate_close(dd2_inflate *stream) {
  inflateEnd(&stream->z);
  free(stream);
}

int dd2_inflate_run(dd2_inflate *stream, const uint8_t *in, size_t in_count, size_t *taken, uint8_t *out,
                    size_t out_count, size_t *given) {
  const uInt room_in = (uInt)(in_count < LARGEST ? in_count : LARGEST);
  const uInt room_out = (uInt)(out_count < LARGEST ? out_count : LARGEST);
  stream->z.next_in = (Bytef *)in;
  stream->z.avail_in = room_in;
  stream->z.next_out = out;
  stream->z.avail_out = room_out;
  int status = inflate(&stream->z, Z_NO_FLUSH);
  *taken = room_in - stream->z.avail_in;
  *given = room_out - stream->z.avail_out;
  switch (status) {
    case Z_OK:
    case Z_BUF_ERROR: return DD2_INFLATE_MORE;
    case Z_STREAM_END: return DD2_INFLATE_END;
    case Z_MEM_ERROR: return DD2_INFLATE_NO_MEMORY;
    default: return DD2_INFLATE_CORRUPT;
  }
}
