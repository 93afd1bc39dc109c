#ifndef DD2_VERSIONS_H
#define DD2_VERSIONS_H

// The versions of the libraries in use, but of libjpeg, which has no call for it: of its headers.
const char *dd2_png_version(void);
const char *dd2_jpeg_version(void);
const char *dd2_zlib_version(void);
void dd2_hdf5_version(unsigned version[3]);

#endif
