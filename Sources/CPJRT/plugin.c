#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"

// A failure of our own.
static int unusable(char **error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (vasprintf(error, format, arguments) < 0) *error = NULL;
  va_end(arguments);
  return DD2_PJRT_UNUSABLE;
}

static void discard(const dd2_pjrt_plugin *plugin, struct error *error) {
  CALL(handle_call, call, handle);
  call.handle = error;
  plugin->functions[ERROR_DESTROY](&call);
}

// The code of an error, whose text goes to *text; destroys the error.
static int taken(const dd2_pjrt_plugin *plugin, struct error *error, char **text) {
  CALL(list_call, message, count);
  message.handle = error;
  plugin->functions[ERROR_MESSAGE](&message);
  *text = strndup(message.start ? message.start : "", message.start ? message.count : 0);
  CALL(int_call, code, result);
  code.handle = error;
  struct error *second = plugin->functions[ERROR_CODE](&code);
  if (second) discard(plugin, second);
  discard(plugin, error);
  return code.result ? code.result : DD2_PJRT_UNUSABLE;
}

int dd2_pjrt_call(const dd2_pjrt_plugin *plugin, int function, void *call, char **error) {
  // The table of an older plugin is shorter.
  size_t end = offsetof(dd2_pjrt_plugin, functions) + ((size_t)function + 1) * sizeof plugin->functions[0];
  if (plugin->size < end || !plugin->functions[function])
    return unusable(
        error, "the plugin, of PJRT API %d.%d, lacks a function that dd2 calls", plugin->version.major,
        plugin->version.minor);
  struct error *failure = plugin->functions[function](call);
  return failure ? taken(plugin, failure, error) : 0;
}

void dd2_pjrt_release(const dd2_pjrt_plugin *plugin, int function, void *handle) {
  CALL(handle_call, call, handle);
  call.handle = handle;
  char *error = NULL;
  dd2_pjrt_call(plugin, function, &call, &error);
  free(error);
}

int dd2_pjrt_open(const char *path, const dd2_pjrt_plugin **plugin, char **error) {
  // Plugins log to stderr, between dd2's own lines, what they return as errors too. Who sets the level wants to see it.
  setenv("TF_CPP_MIN_LOG_LEVEL", "3", 0);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) return unusable(error, "%s", dlerror());
  const dd2_pjrt_plugin *(*table)(void) = (const dd2_pjrt_plugin *(*)(void))dlsym(library, "GetPjrtApi");
  if (!table) {
    dlclose(library);
    return unusable(error, "no PJRT plugin: it has no function GetPjrtApi");
  }
  // From here on the library stays open: threads that it has started would run into nothing.
  const dd2_pjrt_plugin *found = table();
  if (!found) return unusable(error, "GetPjrtApi gives nothing");
  if (found->version.major != 0)
    return unusable(
        error, "it is of PJRT API %d.%d, and dd2 knows major version 0", found->version.major, found->version.minor);
  CALL(initialize_call, call, extensions);
  int code = dd2_pjrt_call(found, PLUGIN_INITIALIZE, &call, error);
  if (!code) *plugin = found;
  return code;
}

void dd2_pjrt_version(const dd2_pjrt_plugin *plugin, int *major, int *minor) {
  *major = plugin->version.major;
  *minor = plugin->version.minor;
}

int dd2_pjrt_attributes(
    const dd2_pjrt_plugin *plugin, const dd2_pjrt_values **values, size_t *count, char **error) {
  CALL(attributes_call, call, count);
  int code = dd2_pjrt_call(plugin, PLUGIN_ATTRIBUTES, &call, error);
  *values = (const dd2_pjrt_values *)call.values;
  *count = call.count;
  return code;
}

dd2_pjrt_value dd2_pjrt_value_at(const dd2_pjrt_values *values, size_t index) {
  // The plugin's elements are as large as its own version of them, which each of them tells.
  const struct named_value *first = (const void *)values;
  size_t stride = first->size > sizeof *first ? first->size : sizeof *first;
  const struct named_value *from = (const void *)((const char *)values + index * stride);
  dd2_pjrt_value value = {
      .name = from->name, .name_size = from->name_size, .kind = from->kind, .count = from->count};
  switch (from->kind) {
    case DD2_PJRT_TEXT: value.text = from->text; break;
    case DD2_PJRT_INTEGER: value.integer = from->integer; break;
    case DD2_PJRT_INTEGERS: value.integers = from->integers; break;
    case DD2_PJRT_REAL: value.real = from->real; break;
    case DD2_PJRT_FLAG: value.flag = from->flag; break;
  }
  return value;
}

struct named_value *dd2_pjrt_named_values(const dd2_pjrt_value *options, size_t count) {
  struct named_value *values = calloc(count ? count : 1, sizeof *values);
  for (size_t i = 0; values && i < count; i++) {
    CALL(named_value, value, count);
    value.name = options[i].name;
    value.name_size = options[i].name_size;
    value.kind = options[i].kind;
    value.count = 1;
    switch (options[i].kind) {
      case DD2_PJRT_TEXT:
        value.text = options[i].text;
        value.count = options[i].count;
        break;
      case DD2_PJRT_INTEGER: value.integer = options[i].integer; break;
      case DD2_PJRT_INTEGERS:
        value.integers = options[i].integers;
        value.count = options[i].count;
        break;
      case DD2_PJRT_REAL: value.real = options[i].real; break;
      case DD2_PJRT_FLAG: value.flag = options[i].flag; break;
    }
    values[i] = value;
  }
  return values;
}
