#ifndef DD2_INFLATE_H
#define DD2_INFLATE_H

#include <stddef.h>
#include <stdint.h>

enum {
  DD2_INFLATE_MORE = 0,
  DD2_INFLATE_END = 1,
  DD2_INFLATE_CORRUPT = 2,
  DD2_INFLATE_NO_MEMORY = 3,
};

typedef struct dd2_inflate dd2_inflate;

/// A decoder of raw deflate data (zlib), at its beginning; NULL without memory. `dd2_inflate_close` frees it.
dd2_inflate *dd2_inflate_open(void);
void dd2_inflate_close(dd2_inflate *stream);

/// Decodes until `out` is full, the input used up, or the stream ends; says how much it took and gave.
int dd2_inflate_run(dd2_inflate *stream, const uint8_t *in, size_t in_count, size_t *taken, uint8_t *out,
                    size_t out_count, size_t *given);

#endif
