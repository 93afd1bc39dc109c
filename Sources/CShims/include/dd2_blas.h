#ifndef DD2_BLAS_H
#define DD2_BLAS_H
#include <stddef.h>

// OpenBLAS and its LAPACK, opened at run time. All matrices are row-major.

// Loads the library and makes it single-threaded. 0, or -1 with dd2_blas_error() set.
int dd2_blas_open(void);
// Threads of the library's own for the calls that follow.
void dd2_blas_set_threads(int count);
const char *dd2_blas_error(void);
const char *dd2_blas_core_name(void);

// C = alpha op(A) op(B) + beta C.
void dd2_sgemm(int trans_a, int trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, float alpha, const float *a,
               ptrdiff_t lda, const float *b, ptrdiff_t ldb, float beta, float *c, ptrdiff_t ldc);
// C = op(A) op(B), dense.
void dd2_dgemm(int trans_a, int trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const double *a,
               const double *b, double *c);
// The upper triangle of C (n, n) += A^T A with A (k, n).
void dd2_dsyrk(ptrdiff_t n, ptrdiff_t k, const double *a, double *c);
// Of a symmetric semidefinite a (n, n): U in the first `rank` rows of its upper triangle, with
// U^T U = a[pivots][pivots]; pivots count from 1. Returns LAPACK's info, positive where the rank is below n.
int dd2_pivoted_cholesky(double *a, int *pivots, int *rank, int n);
// The min(m, n) singular values of a (m, n), descending; a is overwritten. Returns LAPACK's info.
int dd2_singular_values(double *a, double *values, int m, int n);

// The machine.
int dd2_available_cores(void);
int dd2_cpu_has_avx512(void);
void dd2_cpu_relax(void);
// 64-byte aligned memory, huge pages advised for large blocks; NULL when there is none.
void *dd2_allocate(size_t bytes);
// The process's resident memory in bytes.
size_t dd2_resident_bytes(void);

#endif
