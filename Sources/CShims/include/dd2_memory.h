#ifndef DD2_MEMORY_H
#define DD2_MEMORY_H
#include <stddef.h>
#include <stdint.h>

// 64-byte aligned memory, huge pages advised for large blocks; NULL when there is none.
void *dd2_allocate(size_t bytes);
// Gives such a block back to the system.
void dd2_release(void *block);

// What the process holds, in bytes: address space, the part of it that is its own to write, pages in memory.
typedef struct {
  size_t mapped, data, resident;
} dd2_memory_use;
dd2_memory_use dd2_memory_in_use(void);
// What `ulimit -v` and `ulimit -d` allow of the first two; PTRDIFF_MAX where there is no limit.
size_t dd2_limit_of_mapped(void);
size_t dd2_limit_of_data(void);
// Where address space is limited: one heap for all threads, each of which otherwise reserves 64 MB. Before they start.
void dd2_share_heap(void);
// Whether the system would map so many bytes more. Takes none.
int dd2_can_map(size_t bytes);

#endif
