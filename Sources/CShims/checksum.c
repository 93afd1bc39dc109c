#include "dd2_checksum.h"

#include <openssl/evp.h>
#include <zlib.h>

// zlib takes a null pointer for a wish to begin.
uint32_t dd2_crc32(uint32_t before, const void *bytes, size_t n) {
  return n ? (uint32_t)crc32_z(before, bytes, n) : before;
}

// The hash is the library's own context by another name.
dd2_sha256 *dd2_sha256_open(void) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1) return (dd2_sha256 *)context;
  EVP_MD_CTX_free(context);
  return NULL;
}

int dd2_sha256_update(dd2_sha256 *hash, const void *bytes, size_t n) {
  return EVP_DigestUpdate((EVP_MD_CTX *)hash, bytes, n) == 1 ? 0 : -1;
}

int dd2_sha256_finish(dd2_sha256 *hash, uint8_t digest[DD2_SHA256_BYTES]) {
  return EVP_DigestFinal_ex((EVP_MD_CTX *)hash, digest, NULL) == 1 ? 0 : -1;
}

void dd2_sha256_close(dd2_sha256 *hash) { EVP_MD_CTX_free((EVP_MD_CTX *)hash); }
