#ifndef DD2_CHECKSUM_H
#define DD2_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// The CRC-32 of zip archives and PNG (zlib) of n bytes, or of what has the checksum `before` and then those.
uint32_t dd2_crc32(uint32_t before, const void *bytes, size_t n);

typedef struct dd2_sha256 dd2_sha256;

enum { DD2_SHA256_BYTES = 32 };

/// A SHA-256 (libcrypto) of no bytes yet; NULL where it cannot be had. `dd2_sha256_close` frees it.
dd2_sha256 *dd2_sha256_open(void);
/// Takes n more bytes. 0, or negative on failure.
int dd2_sha256_update(dd2_sha256 *hash, const void *bytes, size_t n);
/// Writes the hash of all bytes taken; once. 0, or negative on failure.
int dd2_sha256_finish(dd2_sha256 *hash, uint8_t digest[DD2_SHA256_BYTES]);
void dd2_sha256_close(dd2_sha256 *hash);

#endif
