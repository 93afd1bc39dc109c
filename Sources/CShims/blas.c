#define _GNU_SOURCE
#include "dd2_blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112, UPPER = 121 };

typedef void (*sgemm_fn)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *,
                         int);
typedef void (*dgemm_fn)(int, int, int, int, int, int, double, const double *, int, const double *, int, double,
                         double *, int);
typedef void (*dsyrk_fn)(int, int, int, int, int, double, const double *, int, double, double *, int);
typedef void (*dpstrf_fn)(const char *, const int *, double *, const int *, int *, int *, const double *, double *,
                          int *);
typedef void (*dgesvd_fn)(const char *, const char *, const int *, const int *, double *, const int *, double *,
                          double *, const int *, double *, const int *, double *, const int *, int *);

static sgemm_fn sgemm;
static dgemm_fn dgemm;
static dsyrk_fn dsyrk;
static dpstrf_fn dpstrf;
static dgesvd_fn dgesvd;
static void (*set_threads)(int);
static void *(*take_buffer)(int);
static void (*return_buffer)(void *);
static char error_text[256];
static char core_name[64];
static char config[256];

// The library and the OpenMP that it may be built with read their number of threads while they load. With OpenMP it
// is a number of each thread, so that setting it later would hold for the calling thread alone.
static void *load_with_one_thread(void) {
  const char *names[] = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"};
  char *given[2];
  for (int i = 0; i < 2; i++) {
    const char *value = getenv(names[i]);
    given[i] = value ? strdup(value) : NULL;
    setenv(names[i], "1", 1);
  }
  void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library) library = dlopen("libopenblas.so", RTLD_NOW | RTLD_LOCAL);
  for (int i = 0; i < 2; i++) {
    if (given[i]) {
      setenv(names[i], given[i], 1);
    } else {
      unsetenv(names[i]);
    }
    free(given[i]);
  }
  return library;
}

int dd2_blas_open(void) {
  void *library = load_with_one_thread();
  if (!library) {
    snprintf(error_text, sizeof error_text, "%s", dlerror());
    return -1;
  }
  sgemm = (sgemm_fn)dlsym(library, "cblas_sgemm");
  dgemm = (dgemm_fn)dlsym(library, "cblas_dgemm");
  dsyrk = (dsyrk_fn)dlsym(library, "cblas_dsyrk");
  dpstrf = (dpstrf_fn)dlsym(library, "dpstrf_");
  dgesvd = (dgesvd_fn)dlsym(library, "dgesvd_");
  set_threads = (void (*)(int))dlsym(library, "openblas_set_num_threads");
  char *(*corename)(void) = (char *(*)(void))dlsym(library, "openblas_get_corename");
  if (!sgemm || !dgemm || !dsyrk || !dpstrf || !dgesvd || !set_threads || !corename) {
    snprintf(error_text, sizeof error_text, "libopenblas lacks a function that dd2 needs");
    return -1;
  }
  take_buffer = (void *(*)(int))dlsym(library, "blas_memory_alloc");
  return_buffer = (void (*)(void *))dlsym(library, "blas_memory_free");
  set_threads(1);
  snprintf(core_name, sizeof core_name, "%s", corename());
  char *(*built)(void) = (char *(*)(void))dlsym(library, "openblas_get_config");
  snprintf(config, sizeof config, "%s", built ? built() : "OpenBLAS");
  return 0;
}

void dd2_blas_reserve(int count) {
  void *buffers[DD2_BLAS_MOST_BUFFERS];
  if (!take_buffer || !return_buffer) return;
  if (count > DD2_BLAS_MOST_BUFFERS) count = DD2_BLAS_MOST_BUFFERS;
  for (int i = 0; i < count; i++) buffers[i] = take_buffer(0);
  for (int i = 0; i < count; i++) return_buffer(buffers[i]);
}

void dd2_blas_set_threads(int count) { set_threads(count); }
const char *dd2_blas_error(void) { return error_text; }
const char *dd2_blas_core_name(void) { return core_name; }
const char *dd2_blas_config(void) { return config; }

void dd2_sgemm(int trans_a, int trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, float alpha, const float *a,
               ptrdiff_t lda, const float *b, ptrdiff_t ldb, float beta, float *c, ptrdiff_t ldc) {
  sgemm(ROW_MAJOR, trans_a ? TRANS : NO_TRANS, trans_b ? TRANS : NO_TRANS, (int)m, (int)n, (int)k, alpha, a, (int)lda,
        b, (int)ldb, beta, c, (int)ldc);
}

void dd2_dgemm(int trans_a, int trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const double *a,
               const double *b, double *c) {
  dgemm(ROW_MAJOR, trans_a ? TRANS : NO_TRANS, trans_b ? TRANS : NO_TRANS, (int)m, (int)n, (int)k, 1.0, a,
        (int)(trans_a ? m : k), b, (int)(trans_b ? k : n), 0.0, c, (int)n);
}

void dd2_dsyrk(ptrdiff_t n, ptrdiff_t k, const double *a, double *c) {
  dsyrk(ROW_MAJOR, UPPER, TRANS, (int)n, (int)k, 1.0, a, (int)n, 1.0, c, (int)n);
}

int dd2_pivoted_cholesky(double *a, int *pivots, int *rank, int n) {
  // LAPACK's lower triangle, column by column, is our upper one, row by row. A negative tolerance is its default.
  int info = 0;
  const double tolerance = -1;
  double *work = malloc(sizeof(double) * 2 * (size_t)n);
  if (!work) return DD2_BLAS_NO_MEMORY;
  dpstrf("L", &n, a, &n, pivots, rank, &tolerance, work, &info);
  free(work);
  return info;
}

int dd2_singular_values(double *a, double *values, int m, int n) {
  // The transpose, which LAPACK sees, has the same singular values. Its rows are our columns.
  int info = 0, query = -1;
  const int one = 1;
  double size = 0, unused = 0;
  dgesvd("N", "N", &n, &m, a, &n, values, &unused, &one, &unused, &one, &size, &query, &info);
  if (info != 0) return info;
  int work_size = (int)size;
  double *work = malloc(sizeof(double) * (size_t)work_size);
  if (!work) return DD2_BLAS_NO_MEMORY;
  dgesvd("N", "N", &n, &m, a, &n, values, &unused, &one, &unused, &one, work, &work_size, &info);
  free(work);
  return info;
}

int dd2_available_cores(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *pass_gate(void *unused) {
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  return unused;
}

int dd2_can_start_threads(int count) {
  pthread_t *threads = malloc(sizeof(pthread_t) * (size_t)count);
  if (!threads) return 0;
  int started = 0;
  pthread_mutex_lock(&gate);
  while (started < count && pthread_create(&threads[started], NULL, pass_gate, NULL) == 0) started++;
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
  free(threads);
  return started == count;
}

int dd2_cpu_has_avx512(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#else
  return 0;
#endif
}

void dd2_cpu_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}
