// Preloaded into a program (scripts/faults.sh), makes the calls that change files fail, and sets the clock.
//   FAULT_FOLDER     calls on files below it, or on the file itself, are counted; an absolute path without links
//   FAULT_AT         the number of the first call that fails, from 1; none where unset
//   FAULT_ERRNO      what it fails with, in digits; where that is ENOSPC, half of what was to be written is written first
//   FAULT_FOR_GOOD   1: so do all calls after it that make or fill files
//   FAULT_SIGNAL     a signal that the process gets in that call, which then does not fail
//   FAULT_LOG        a file to which each call is appended: number, name, path
//   FAULT_CLOCK      seconds by which the time of day is another
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static atomic_long calls;

static long number(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

// Whether the call named `what` on `path` fails. `adds`: it makes or fills a file.
static int fails(const char *what, const char *path, int adds) {
  const char *folder = getenv("FAULT_FOLDER");
  if (!folder || strncmp(path, folder, strlen(folder))) return 0;
  long call = ++calls, at = number("FAULT_AT");
  const char *log = getenv("FAULT_LOG");
  if (log) {
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%ld %s %s\n", call, what, path);
    int descriptor = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    syscall(SYS_write, descriptor, line, length);
    syscall(SYS_close, descriptor);
  }
  if (!at || call < at || (call > at && !(adds && number("FAULT_FOR_GOOD")))) return 0;
  int signal = (int)number("FAULT_SIGNAL");
  if (signal) raise(signal);
  errno = (int)number("FAULT_ERRNO");
  return !signal;
}

static int fails_on(const char *what, int descriptor, int adds) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return fails(what, path, adds);
}

static int fails_at(const char *what, const char *name, int adds) {
  // The file itself may not be there yet.
  char copy[PATH_MAX], folder[PATH_MAX], path[2 * PATH_MAX];
  snprintf(copy, sizeof copy, "%s", name);
  char *slash = strrchr(copy, '/');
  const char *last = slash ? slash + 1 : copy;
  if (slash) *slash = 0;
  if (!realpath(slash ? (*copy ? copy : "/") : ".", folder)) return 0;
  snprintf(path, sizeof path, "%s/%s", folder, last);
  return fails(what, path, adds);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// A disk that becomes full takes a part.
static ssize_t written_before(int descriptor, const void *bytes, size_t count, off_t offset) {
  if (errno != ENOSPC || count < 2 || calls != number("FAULT_AT")) return -1;
  return syscall(offset < 0 ? SYS_write : SYS_pwrite64, descriptor, bytes, count / 2, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  if (fails_on("write", descriptor, 1)) return written_before(descriptor, bytes, count, -1);
  return REAL(write)(descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  if (fails_on("pwrite", descriptor, 1)) return written_before(descriptor, bytes, count, offset);
  return REAL(pwrite)(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  return pwrite(descriptor, bytes, count, offset);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
  return fails_on("writev", descriptor, 1) ? -1 : REAL(writev)(descriptor, parts, count);
}

int fsync(int descriptor) { return fails_on("fsync", descriptor, 0) ? -1 : REAL(fsync)(descriptor); }
int fdatasync(int descriptor) { return fails_on("fdatasync", descriptor, 0) ? -1 : REAL(fdatasync)(descriptor); }

int ftruncate(int descriptor, off_t length) {
  return fails_on("ftruncate", descriptor, 1) ? -1 : REAL(ftruncate)(descriptor, length);
}
int ftruncate64(int descriptor, off64_t length) { return ftruncate(descriptor, length); }

int rename(const char *old, const char *new) { return fails_at("rename", new, 1) ? -1 : REAL(rename)(old, new); }
int mkdir(const char *path, mode_t mode) { return fails_at("mkdir", path, 1) ? -1 : REAL(mkdir)(path, mode); }
int unlink(const char *path) { return fails_at("unlink", path, 0) ? -1 : REAL(unlink)(path); }
int remove(const char *path) { return fails_at("remove", path, 0) ? -1 : REAL(remove)(path); }

static int open_checked(int folder, const char *path, int flags, mode_t mode) {
  if ((flags & O_ACCMODE) != O_RDONLY && fails_at("open", path, 1)) return -1;
  return (int)syscall(SYS_openat, folder, path, flags, mode);
}

#define MODE(flags, mode)             \
  mode_t mode = 0;                    \
  if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list rest;                     \
    va_start(rest, flags);            \
    mode = va_arg(rest, mode_t);      \
    va_end(rest);                     \
  }

int open(const char *path, int flags, ...) {
  MODE(flags, mode)
  return open_checked(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
  MODE(flags, mode)
  return open_checked(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char *path, int flags, ...) {
  MODE(flags, mode)
  return open_checked(folder, path, flags, mode);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int status = (int)syscall(SYS_clock_gettime, clock, time);
  if (status == 0 && clock == CLOCK_REALTIME) time->tv_sec += number("FAULT_CLOCK");
  return status;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec fine;
  clock_gettime(CLOCK_REALTIME, &fine);
  now->tv_sec = fine.tv_sec;
  now->tv_usec = fine.tv_nsec / 1000;
  return 0;
}
