#ifndef DD2_BLAS_H
#define DD2_BLAS_H
#include <stddef.h>

// OpenBLAS and its LAPACK, opened at run time. All matrices are row-major.

enum {
  DD2_BLAS_NO_MEMORY = -1000,
  DD2_BLAS_MOST_BUFFERS = 64,  // fewer than the library has places for
};

// Loads the library and makes it single-threaded. 0, or -1 with dd2_blas_error() set.
int dd2_blas_open(void);
// Has the library take the buffers that so many threads work in at once; it keeps them.
void dd2_blas_reserve(int count);
// Threads of the library's own for the calls that follow.
void dd2_blas_set_threads(int count);
const char *dd2_blas_error(void);
const char *dd2_blas_core_name(void);
// How the library was built, beginning with its name and version.
const char *dd2_blas_config(void);

// C = alpha op(A) op(B) + beta C.
void dd2_sgemm(int trans_a, int trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, float alpha, const float *a,
               ptrdiff_t lda, const float *b, ptrdiff_t ldb, float beta, float *c, ptrdiff_t ldc);
// C = op(A) op(B), dense.
void dd2_dgemm(int trans_a, int trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const double *a,
               const double *b, double *c);
// The upper triangle of C (n, n) += A^T A with A (k, n).
void dd2_dsyrk(ptrdiff_t n, ptrdiff_t k, const double *a, double *c);
// Of a symmetric semidefinite a (n, n): U in the first `rank` rows of its upper triangle, with
// U^T U = a[pivots][pivots]; pivots count from 1. Returns LAPACK's info, positive where the rank is below n, or
// DD2_BLAS_NO_MEMORY.
int dd2_pivoted_cholesky(double *a, int *pivots, int *rank, int n);
// The min(m, n) singular values of a (m, n), descending; a is overwritten. Returns LAPACK's info or
// DD2_BLAS_NO_MEMORY.
int dd2_singular_values(double *a, double *values, int m, int n);

// The machine.
int dd2_available_cores(void);
// Whether the system would start so many threads more. Leaves none.
int dd2_can_start_threads(int count);
int dd2_cpu_has_avx512(void);
void dd2_cpu_relax(void);

#endif
