#ifndef DD2_BLAS_H
#define DD2_BLAS_H
#include <stddef.h>

// OpenBLAS and its LAPACK, opened at run time. All matrices are row-major.

// Loads the library and makes it single-threaded. 0, or -1 with dd2_blas_error() set.
int dd2_blas_open(void);
const char *dd2_blas_error(void);
const char *dd2_blas_core_name(void);

// C = alpha op(A) op(B) + beta C.
void dd2_sgemm(int trans_a, int trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, float alpha, const float *a,
               ptrdiff_t lda, const float *b, ptrdiff_t ldb, float beta, float *c, ptrdiff_t ldc);
// C = op(A) op(B), dense.
void dd2_dgemm(int trans_a, int trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const double *a,
               const double *b, double *c);
// Overwrites a (n, n) with eigenvectors as rows; values ascending. Returns LAPACK's info.
int dd2_symmetric_eigen(double *a, double *values, int n);

// The machine.
int dd2_available_cores(void);
int dd2_cpu_has_avx512(void);
void dd2_cpu_relax(void);
// 64-byte aligned memory, huge pages advised for large blocks; NULL when there is none.
void *dd2_allocate(size_t bytes);
// The process's resident memory in bytes.
size_t dd2_resident_bytes(void);

#endif
