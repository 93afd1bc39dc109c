// A device plugin that fails as the environment asks, around the plugin that FAULTY_AROUND names, or without one. The tests
// compile it.
//   FAULTY_VERSION     "MAJOR.MINOR" that it claims
//   FAULTY_FUNCTIONS   how many functions its table has, as an older plugin's has fewer
//   FAULTY_WHEN        a path: while something is there, no program runs
//   FAULTY_CODE        the code of that failure
//   FAULTY_COMPILE     milliseconds that a compilation takes longer
//   FAULTY_START       "crash": starting a client ends the process; "fail": it fails
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"

enum { FUNCTIONS = 200 };
static const dd2_pjrt_plugin *inner;
static union {
  dd2_pjrt_plugin table;
  char room[offsetof(dd2_pjrt_plugin, functions) + FUNCTIONS * sizeof(void *)];
} outer;
static struct error *const lost = (struct error *)&outer;

static int number(const char *name, int otherwise) { return getenv(name) ? atoi(getenv(name)) : otherwise; }

static struct error *destroy(void *call) {
  return ((struct handle_call *)call)->handle == lost ? NULL : inner->functions[ERROR_DESTROY](call);
}

static struct error *message(void *call) {
  struct list_call *list = call;
  if (list->handle != lost) return inner->functions[ERROR_MESSAGE](call);
  list->start = "the device is gone";
  list->count = strlen(list->start);
  return NULL;
}

static struct error *code(void *call) {
  struct int_call *code = call;
  if (code->handle != lost) return inner->functions[ERROR_CODE](call);
  code->result = number("FAULTY_CODE", 14);
  return NULL;
}

static struct error *start(void *call) {
  const char *fault = getenv("FAULTY_START");
  if (fault && !strcmp(fault, "crash")) abort();
  return fault ? lost : inner->functions[CLIENT_CREATE](call);
}

static struct error *compile(void *call) {
  usleep(1000 * number("FAULTY_COMPILE", 0));
  return inner->functions[CLIENT_COMPILE](call);
}

static struct error *execute(void *call) {
  const char *path = getenv("FAULTY_WHEN");
  return path && access(path, F_OK) == 0 ? lost : inner->functions[LOADED_EXECUTE](call);
}

const dd2_pjrt_plugin *GetPjrtApi(void) {
  outer.table.size = offsetof(dd2_pjrt_plugin, functions);
  const char *version = getenv("FAULTY_VERSION"), *around = getenv("FAULTY_AROUND");
  void *library = around ? dlopen(around, RTLD_NOW | RTLD_LOCAL) : NULL;
  if (library) {
    inner = ((const dd2_pjrt_plugin *(*)(void))dlsym(library, "GetPjrtApi"))();
    memcpy(&outer, inner, inner->size < sizeof outer ? inner->size : sizeof outer);
    struct error *(**functions)(void *) = outer.table.functions;
    functions[ERROR_DESTROY] = destroy;
    functions[ERROR_MESSAGE] = message;
    functions[ERROR_CODE] = code;
    functions[CLIENT_CREATE] = start;
    functions[CLIENT_COMPILE] = compile;
    functions[LOADED_EXECUTE] = execute;
  }
  size_t shorter = offsetof(dd2_pjrt_plugin, functions) + number("FAULTY_FUNCTIONS", FUNCTIONS) * sizeof(void *);
  if (outer.table.size > shorter) outer.table.size = shorter;
  if (version) sscanf(version, "%d.%d", &outer.table.version.major, &outer.table.version.minor);
  return &outer.table;
}
