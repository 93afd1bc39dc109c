#ifndef CSHIMS_H
#define CSHIMS_H
#include "dd2_attention.h"
#include "dd2_blas.h"
#include "dd2_checksum.h"
#include "dd2_conv.h"
#include "dd2_hdf5.h"
#include "dd2_inflate.h"
#include "dd2_jpeg.h"
#include "dd2_kernels.h"
#include "dd2_memory.h"
#include "dd2_norm.h"
#include "dd2_png.h"
#include "dd2_pool.h"
#include "dd2_resample.h"
#include "dd2_versions.h"
#endif
