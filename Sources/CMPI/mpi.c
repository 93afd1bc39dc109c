#include "dd2_mpi.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Handles are pointers in Open MPI and ints in MPICH: both are passed as intptr_t, whose low half is the int.
typedef intptr_t handle;

enum { THREAD_FUNNELED = 1, TAG = 2003, TEXT = 1024 };

static struct {
  void *library;
  handle world, byte, elements[2], sum, errors_return;
  void *in_place, *ignored_status;
  int any_source;
  size_t source_offset;  // of MPI_SOURCE in a status

  int (*Init_thread)(int *, char ***, int, int *);
  int (*Finalize)(void);
  int (*Abort)(handle, int);
  int (*Comm_rank)(handle, int *);
  int (*Comm_size)(handle, int *);
  int (*Comm_set_errhandler)(handle, handle);
  int (*Error_string)(int, char *, int *);
  int (*Iallreduce)(const void *, void *, int, handle, handle, handle, void *);
  int (*Iallgather)(const void *, int, handle, void *, int, handle, handle, void *);
  int (*Ibcast)(void *, int, handle, int, handle, void *);
  int (*Isend)(const void *, int, handle, int, int, handle, void *);
  int (*Recv)(void *, int, handle, int, int, handle, void *);
  int (*Iprobe)(int, int, handle, int *, void *);
  int (*Get_count)(const void *, handle, int *);
  int (*Test)(void *, int *, void *);
} mpi;

/// Larger than any library's status.
typedef union {
  char bytes[64];
  void *alignment;
} status;

static char *text(const char *format, const char *detail) {
  char *result = malloc(TEXT);
  if (result) snprintf(result, TEXT, format, detail);
  return result ? result : strdup("no memory");
}

static char *result(const char *action, int code) {
  if (code == 0) return NULL;
  char detail[4096] = "", line[TEXT];
  int length = 0;
  mpi.Error_string(code, detail, &length);
  snprintf(line, sizeof line, "%s: %s", action, length > 0 ? detail : "unknown error");
  return text("%s", line);
}

static bool find_functions(void) {
  const struct {
    const char *name;
    void *place;
  } functions[] = {
      {"MPI_Init_thread", &mpi.Init_thread},
      {"MPI_Finalize", &mpi.Finalize},
      {"MPI_Abort", &mpi.Abort},
      {"MPI_Comm_rank", &mpi.Comm_rank},
      {"MPI_Comm_size", &mpi.Comm_size},
      {"MPI_Comm_set_errhandler", &mpi.Comm_set_errhandler},
      {"MPI_Error_string", &mpi.Error_string},
      {"MPI_Iallreduce", &mpi.Iallreduce},
      {"MPI_Iallgather", &mpi.Iallgather},
      {"MPI_Ibcast", &mpi.Ibcast},
      {"MPI_Isend", &mpi.Isend},
      {"MPI_Recv", &mpi.Recv},
      {"MPI_Iprobe", &mpi.Iprobe},
      {"MPI_Get_count", &mpi.Get_count},
      {"MPI_Test", &mpi.Test},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    void *found = dlsym(mpi.library, functions[i].name);
    if (!found) return false;
    memcpy(functions[i].place, &found, sizeof found);
  }
  return true;
}

/// Open MPI's constants are the addresses of its objects.
static bool find_open_mpi(void) {
  const struct {
    const char *name;
    handle *place;
  } objects[] = {
      {"ompi_mpi_comm_world", &mpi.world}, {"ompi_mpi_byte", &mpi.byte},
      {"ompi_mpi_float", &mpi.elements[DD2_MPI_FLOAT]}, {"ompi_mpi_double", &mpi.elements[DD2_MPI_DOUBLE]},
      {"ompi_mpi_op_sum", &mpi.sum}, {"ompi_mpi_errors_return", &mpi.errors_return},
  };
  for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
    *objects[i].place = (handle)dlsym(mpi.library, objects[i].name);
    if (!*objects[i].place) return false;
  }
  mpi.in_place = (void *)1;
  mpi.ignored_status = NULL;
  mpi.any_source = -1;
  mpi.source_offset = 0;
  return true;
}

/// The common binary interface of MPICH and those that follow it.
static void set_mpich(void) {
  mpi.world = 0x44000000;
  mpi.byte = 0x4c00010d;
  mpi.elements[DD2_MPI_FLOAT] = 0x4c00040a;
  mpi.elements[DD2_MPI_DOUBLE] = 0x4c00080b;
  mpi.sum = 0x58000003;
  mpi.errors_return = 0x54000001;
  mpi.in_place = (void *)-1;
  mpi.ignored_status = (void *)1;
  mpi.any_source = -2;
  mpi.source_offset = 2 * sizeof(int);
}

char *dd2_mpi_open(const char *const *names, size_t count, const char **family) {
  // Global, as the libraries open plugins that look for the library's own functions.
  for (size_t i = 0; i < count && !mpi.library; i++) mpi.library = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL);
  if (!mpi.library) return text("no MPI library is found%s", "");
  if (!find_functions()) return text("the MPI library lacks functions of MPI 3%s", "");
  bool is_open_mpi = dlsym(mpi.library, "ompi_mpi_comm_world") != NULL;
  if (is_open_mpi && !find_open_mpi()) return text("the library of Open MPI lacks its constants%s", "");
  if (!is_open_mpi) set_mpich();
  *family = is_open_mpi ? "Open MPI" : "MPICH";
  return NULL;
}

char *dd2_mpi_start(int *rank, int *size) {
  int provided = 0;
  char *error = result("joining the job", mpi.Init_thread(NULL, NULL, THREAD_FUNNELED, &provided));
  if (error) return error;
  mpi.Comm_set_errhandler(mpi.world, mpi.errors_return);
  mpi.Comm_rank(mpi.world, rank);
  mpi.Comm_size(mpi.world, size);
  return provided >= THREAD_FUNNELED ? NULL : text("the MPI library does not allow threads%s", "");
}

char *dd2_mpi_finish(void) { return result("leaving the job", mpi.Finalize()); }

void dd2_mpi_abort(int status) { mpi.Abort(mpi.world, status); }

char *dd2_mpi_sum(void *elements, size_t count, int kind, dd2_mpi_request *request) {
  return result(
      "adding up",
      mpi.Iallreduce(mpi.in_place, elements, (int)count, mpi.elements[kind], mpi.sum, mpi.world, &request->handle));
}

char *dd2_mpi_gather(const void *bytes, void *all, size_t size, dd2_mpi_request *request) {
  return result(
      "gathering",
      mpi.Iallgather(bytes, (int)size, mpi.byte, all, (int)size, mpi.byte, mpi.world, &request->handle));
}

char *dd2_mpi_broadcast(void *bytes, size_t size, dd2_mpi_request *request) {
  return result("broadcasting", mpi.Ibcast(bytes, (int)size, mpi.byte, 0, mpi.world, &request->handle));
}

char *dd2_mpi_send(const void *bytes, size_t size, int to, dd2_mpi_request *request) {
  return result("sending", mpi.Isend(bytes, (int)size, mpi.byte, to, TAG, mpi.world, &request->handle));
}

char *dd2_mpi_is_done(dd2_mpi_request *request, bool *done) {
  int flag = 0;
  char *error = result("waiting", mpi.Test(&request->handle, &flag, mpi.ignored_status));
  *done = flag;
  return error;
}

char *dd2_mpi_probe(bool *arrived, int *from, size_t *size) {
  int flag = 0, count = 0;
  status found;
  char *error = result("looking for messages", mpi.Iprobe(mpi.any_source, TAG, mpi.world, &flag, &found));
  if (error || !flag) {
    *arrived = false;
    return error;
  }
  memcpy(from, found.bytes + mpi.source_offset, sizeof *from);
  mpi.Get_count(&found, mpi.byte, &count);
  *arrived = true;
  *size = (size_t)count;
  return NULL;
}

char *dd2_mpi_receive(void *bytes, size_t size, int from) {
  return result("receiving", mpi.Recv(bytes, (int)size, mpi.byte, from, TAG, mpi.world, mpi.ignored_status));
}
