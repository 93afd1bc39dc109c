#ifndef DD2_KERNELS_H
#define DD2_KERNELS_H

#endif
