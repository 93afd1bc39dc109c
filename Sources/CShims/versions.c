#include "dd2_versions.h"

#include <hdf5.h>
#include <png.h>
#include <stdio.h>
#include <jpeglib.h>
#include <zlib.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *dd2_png_version(void) { return png_get_libpng_ver(NULL); }

const char *dd2_jpeg_version(void) {
#ifdef LIBJPEG_TURBO_VERSION
  return "turbo " TEXT(LIBJPEG_TURBO_VERSION);
#else
  return TEXT(JPEG_LIB_VERSION);
#endif
}

const char *dd2_zlib_version(void) { return zlibVersion(); }

void dd2_hdf5_version(unsigned version[3]) { H5get_libversion(&version[0], &version[1], &version[2]); }
