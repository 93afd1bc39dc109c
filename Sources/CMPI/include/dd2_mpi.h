#ifndef DD2_MPI_H
#define DD2_MPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The few functions of MPI that dd2 needs, behind small ones of its own: the library of whoever launched the process is
// opened at run time, so that a build needs none. Two families of libraries have different binary interfaces, both known
// here: Open MPI's, and MPICH's, which Intel MPI, MVAPICH and Cray MPICH share.
//
// A function that returns char * gives NULL, or what went wrong, for the caller to free(). All functions are called by the
// thread that called dd2_mpi_start.

/// An operation that goes on; see dd2_mpi_is_done.
typedef struct {
  void *handle;
} dd2_mpi_request;

/// Kinds of elements that are added up.
enum { DD2_MPI_FLOAT, DD2_MPI_DOUBLE };

/// Opens the first library of some names, and says whose it is.
char *dd2_mpi_open(const char *const *names, size_t count, const char **family);
/// Joins the job.
char *dd2_mpi_start(int *rank, int *size);
/// Leaves the job; waits for all processes.
char *dd2_mpi_finish(void);
/// Ends all processes of the job.
void dd2_mpi_abort(int status);

/// Begins to replace elements by their sums over all processes.
char *dd2_mpi_sum(void *elements, size_t count, int kind, dd2_mpi_request *request);
/// Begins to collect `size` bytes of every process, in the order of their ranks.
char *dd2_mpi_gather(const void *bytes, void *all, size_t size, dd2_mpi_request *request);
/// Begins to replace bytes by those of rank 0.
char *dd2_mpi_broadcast(void *bytes, size_t size, dd2_mpi_request *request);
/// Begins to send bytes to one process.
char *dd2_mpi_send(const void *bytes, size_t size, int to, dd2_mpi_request *request);
/// Whether an operation has ended; what it works on stays in place until then.
char *dd2_mpi_is_done(dd2_mpi_request *request, bool *done);
/// Whether a process has sent something, whose, and its size.
char *dd2_mpi_probe(bool *arrived, int *from, size_t *size);
/// Takes what a process has sent.
char *dd2_mpi_receive(void *bytes, size_t size, int from);

#endif
