#define _GNU_SOURCE
#include "dd2_memory.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

void *dd2_allocate(size_t bytes) {
  const size_t huge = (size_t)2 << 20;
  void *block = NULL;
  if (posix_memalign(&block, bytes >= huge ? huge : 64, bytes) != 0) return NULL;
  if (bytes >= huge) madvise(block, bytes, MADV_HUGEPAGE);
  return block;
}

void dd2_release(void *block) { free(block); }

dd2_memory_use dd2_memory_in_use(void) {
  dd2_memory_use use = {0};
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file) return use;
  size_t pages[6];
  int found = fscanf(file, "%zu %zu %zu %zu %zu %zu", &pages[0], &pages[1], &pages[2], &pages[3], &pages[4], &pages[5]);
  fclose(file);
  if (found != 6) return use;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  use.mapped = pages[0] * page;
  use.resident = pages[1] * page;
  use.data = pages[5] * page;
  return use;
}

static size_t limit(int resource) {
  struct rlimit limit;
  return getrlimit(resource, &limit) == 0 && limit.rlim_cur < PTRDIFF_MAX ? (size_t)limit.rlim_cur : PTRDIFF_MAX;
}

size_t dd2_limit_of_mapped(void) { return limit(RLIMIT_AS); }
size_t dd2_limit_of_data(void) { return limit(RLIMIT_DATA); }

void dd2_share_heap(void) {
  if (dd2_limit_of_mapped() < PTRDIFF_MAX) mallopt(M_ARENA_MAX, 1);
}

int dd2_can_map(size_t bytes) {
  void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (block == MAP_FAILED) return 0;
  munmap(block, bytes);
  return 1;
}
