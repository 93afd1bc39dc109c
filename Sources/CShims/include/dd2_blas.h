#ifndef DD2_BLAS_H
#define DD2_BLAS_H

#endif
