// A device plugin that fails as the environment asks, around the plugin that FAULTY_AROUND names, or without one. The tests
// compile it.
//   FAULTY_VERSION     "MAJOR.MINOR" that it claims
//   FAULTY_FUNCTIONS   how many functions its table has, as an older plugin's has fewer
//   FAULTY_WHEN        a path: while something is there, no program runs
//   FAULTY_CODE        the code of that failure
//   FAULTY_COMPILE     milliseconds that a compilation takes longer
//   FAULTY_START       "crash": starting a client ends the process; "fail": it fails
//   FAULTY_DEVICES     how many devices it shows at most
//   FAULTY_STORE       a client of several processes exchanges keys as it starts, and gives one with each run; milliseconds
//                      that it waits for the others
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

// The last error that a callback of the store told of.
static char told_text[256];
static int told_code;

static struct error *told(int code, const char *text, size_t size) {
  told_code = code;
  snprintf(told_text, sizeof told_text, "%.*s", (int)size, text);
  return lost;
}

static struct error *destroy(void *call) {
  return ((struct handle_call *)call)->handle == lost ? NULL : inner->functions[ERROR_DESTROY](call);
}

static struct error *message(void *call) {
  struct list_call *list = call;
  if (list->handle != lost) return inner->functions[ERROR_MESSAGE](call);
  list->start = told_code ? told_text : "the device is gone";
  list->count = strlen(list->start);
  return NULL;
}

static struct error *code(void *call) {
  struct int_call *code = call;
  if (code->handle != lost) return inner->functions[ERROR_CODE](call);
  code->result = told_code ? told_code : number("FAULTY_CODE", 14);
  return NULL;
}

static struct client_create_call store;
static int node;

static struct error *put(const char *key, const char *value, size_t size) {
  error_maker *fail = told;
  CALL(store_put_call, call, argument);
  call.key = key;
  call.key_size = strlen(key);
  call.value = value;
  call.value_size = size;
  call.fail = &fail;
  call.argument = store.put_argument;
  return store.put(&call);
}

// Gives this process's value, which has zeros in it, waits for the other's and gives what it was; nobody gives "nothing".
static struct error *exchange(void) {
  char key[32];
  const char own[3] = {(char)node, 'A', 0};
  error_maker *fail = told;
  snprintf(key, sizeof key, "node/%d", node);
  put(key, own, sizeof own);
  CALL(store_try_get_call, nothing, release);
  nothing.key = "nothing";
  nothing.key_size = strlen(nothing.key);
  nothing.fail = &fail;
  nothing.argument = store.try_get_argument;
  if (!store.try_get(&nothing) || told_code != DD2_PJRT_NOT_FOUND) abort();
  told_code = 0;
  CALL(store_get_call, other, release);
  snprintf(key, sizeof key, "node/%d", 1 - node);
  other.key = key;
  other.key_size = strlen(key);
  other.milliseconds = number("FAULTY_STORE", 0);
  other.fail = &fail;
  other.argument = store.get_argument;
  struct error *error = store.get(&other);
  if (error) return error;
  snprintf(key, sizeof key, "seen/%d", node);
  put(key, other.value, other.value_size);
  other.release(other.value);
  return NULL;
}

static struct error *start(void *call) {
  const char *fault = getenv("FAULTY_START");
  if (fault && !strcmp(fault, "crash")) abort();
  if (fault) return lost;
  store = *(struct client_create_call *)call;
  if (!getenv("FAULTY_STORE") || !store.get) return inner->functions[CLIENT_CREATE](call);
  node = -1;
  for (size_t i = 0; i < store.option_count; i++)
    if (!strncmp(store.options[i].name, "node_id", store.options[i].name_size)) node = (int)store.options[i].integer;
  struct error *error = exchange();
  if (error) return error;
  CALL(client_create_call, alone, try_get_argument);
  error = inner->functions[CLIENT_CREATE](&alone);
  ((struct client_create_call *)call)->client = alone.client;
  return error;
}

static struct error *devices(void *call) {
  struct error *error = inner->functions[CLIENT_ADDRESSABLE_DEVICES](call);
  struct list_call *list = call;
  if (list->count > (size_t)number("FAULTY_DEVICES", 1000)) list->count = number("FAULTY_DEVICES", 1000);
  return error;
}

static struct error *compile(void *call) {
  usleep(1000 * number("FAULTY_COMPILE", 0));
  return inner->functions[CLIENT_COMPILE](call);
}

static struct error *execute(void *call) {
  const char *path = getenv("FAULTY_WHEN");
  if (getenv("FAULTY_STORE") && store.put) put("run/0", "\0A", 3);
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
    functions[CLIENT_ADDRESSABLE_DEVICES] = devices;
    functions[CLIENT_COMPILE] = compile;
    functions[LOADED_EXECUTE] = execute;
  }
  size_t shorter = offsetof(dd2_pjrt_plugin, functions) + number("FAULTY_FUNCTIONS", FUNCTIONS) * sizeof(void *);
  if (outer.table.size > shorter) outer.table.size = shorter;
  if (version) sscanf(version, "%d.%d", &outer.table.version.major, &outer.table.version.minor);
  return &outer.table;
}
