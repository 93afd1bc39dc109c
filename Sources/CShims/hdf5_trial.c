// The library reads what a damaged file says of itself without checksums, as its older formats have none, and crashes or
// goes on for ever. A child process tries such a file first.
#include "dd2_hdf5.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// Bytes that are read at once.
enum { PIECE = 256 << 20 };

typedef struct {
  int64_t file;
  void *buffer;
} trial;

/// Ends the trial where the call before wanted more memory than there is: without the limit it would go on.
static void check_memory(void) {
  if (errno == ENOMEM) raise(SIGKILL);
}

static void try_attributes(int64_t file, const char *object) {
  int64_t count = dd2_h5_attribute_count(file, object);
  for (int64_t index = 0; index < count; index++) {
    dd2_h5_attribute attribute;
    dd2_h5_read_attribute(file, object, index, &attribute);
    dd2_h5_free_attribute(&attribute);
    check_memory();
  }
}

/// Reads a dataset as the caller would: as a whole, or, where that is much, rows of it. What fails, fails for the caller too.
static void try_dataset(const trial *with, const char *name) {
  dd2_h5_shape shape;
  if (dd2_h5_describe(with->file, name, &shape) < 0) return;
  if (shape.element == DD2_H5_OTHER || shape.element == DD2_H5_TEXT) return;
  int64_t row = 8, rows = shape.rank ? shape.dims[0] : 1;
  for (int axis = 1; axis < shape.rank; axis++) {
    if (__builtin_mul_overflow(row, shape.dims[axis], &row) || row > PIECE) return;
  }
  int64_t all;
  if (row <= 0 || rows <= 0 || __builtin_mul_overflow(row, rows, &all)) return;
  // Far more than the file has: the caller refuses it.
  if (all > (int64_t)512 << 20 && (uint64_t)all / 8192 > shape.stored) return;
  if (rows <= PIECE / row) {
    dd2_h5_read(with->file, name, shape.element, with->buffer);
    return;
  }
  int64_t piece = PIECE / row;
  for (int64_t first = 0; first < rows; first += piece) {
    int64_t count = rows - first < piece ? rows - first : piece;
    if (dd2_h5_read_rows(with->file, name, shape.element, first, count, with->buffer) < 0) return;
    check_memory();
  }
}

static void try_object(const char *name, int kind, void *context) {
  const trial *with = context;
  try_attributes(with->file, name);
  if (kind == DD2_H5_IS_DATASET) try_dataset(with, name);
  check_memory();
}

/// Bytes of memory of this process's own.
static rlim_t own_memory(void) {
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file) {
    if (fscanf(file, "%*u %*u %*u %*u %*u %lu", &pages) != 1) pages = 0;
    fclose(file);
  }
  return pages ? pages * (rlim_t)sysconf(_SC_PAGESIZE) : RLIM_INFINITY / 2;
}

static void run_trial(const char *path, unsigned seconds) {
  const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM};
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) signal(fatal[i], SIG_DFL);
  alarm(seconds);
  const struct rlimit no_core = {0, 0}, memory = {own_memory() + ((rlim_t)1 << 30), RLIM_INFINITY};
  setrlimit(RLIMIT_CORE, &no_core);
  setrlimit(RLIMIT_DATA, &memory);
  errno = 0;
  trial with = {dd2_h5_open(path), malloc(PIECE)};
  check_memory();
  if (with.file < 0 || !with.buffer) _exit(0);
  try_attributes(with.file, "/");
  dd2_h5_visit(with.file, "/", try_object, &with);
  check_memory();
  dd2_h5_close(with.file);
  _exit(0);
}

int dd2_h5_try(const char *path, unsigned seconds) {
  pid_t child = fork();
  if (child < 0) return 0;
  if (child == 0) run_trial(path, seconds);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 0;
  }
  if (WIFSIGNALED(status)) return WTERMSIG(status);
  // A sanitizer's findings end a process so.
  return WEXITSTATUS(status) ? SIGABRT : 0;
}
