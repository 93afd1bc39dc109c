#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"

static int text_of(
    const dd2_pjrt_plugin *plugin, int function, const void *handle, dd2_pjrt_text *text, char **error) {
  CALL(list_call, call, count);
  call.handle = handle;
  int code = dd2_pjrt_call(plugin, function, &call, error);
  text->start = call.start;
  text->size = call.count;
  return code;
}

static void release_value(char *value) { free(value); }

static struct error *missing(error_maker **fail, int code, const char *key, size_t size) {
  char *text = NULL;
  int length = asprintf(&text, "no other process has given '%.*s'", (int)size, key);
  struct error *error = (*fail)(code, length < 0 ? "" : text, length < 0 ? 0 : (size_t)length);
  free(length < 0 ? NULL : text);
  return error;
}

static struct error *store_get(struct store_get_call *call) {
  const dd2_pjrt_store *store = call->argument;
  dd2_pjrt_text key = {call->key, call->key_size};
  // A negative number would mean not to wait.
  int64_t wait = call->milliseconds < 0 ? 0 : call->milliseconds;
  call->release = release_value;
  return store->get(store->owner, key, wait, &call->value, &call->value_size)
             ? NULL
             : missing(call->fail, DD2_PJRT_DEADLINE, call->key, call->key_size);
}

static struct error *store_try_get(struct store_try_get_call *call) {
  const dd2_pjrt_store *store = call->argument;
  dd2_pjrt_text key = {call->key, call->key_size};
  call->release = release_value;
  return store->get(store->owner, key, -1, &call->value, &call->value_size)
             ? NULL
             : missing(call->fail, DD2_PJRT_NOT_FOUND, call->key, call->key_size);
}

static struct error *store_put(struct store_put_call *call) {
  const dd2_pjrt_store *store = call->argument;
  store->put(
      store->owner, (dd2_pjrt_text){call->key, call->key_size}, (dd2_pjrt_text){call->value, call->value_size});
  return NULL;
}

int dd2_pjrt_client_create(
    const dd2_pjrt_plugin *plugin, const dd2_pjrt_value *options, size_t count, const dd2_pjrt_store *store,
    dd2_pjrt_client **client, char **error) {
  struct named_value *values = dd2_pjrt_named_values(options, count);
  CALL(client_create_call, call, try_get_argument);
  call.options = values;
  call.option_count = count;
  if (store) {
    call.get = store_get;
    call.put = store_put;
    call.try_get = store_try_get;
    call.get_argument = call.put_argument = call.try_get_argument = (void *)store;
  }
  int code = dd2_pjrt_call(plugin, CLIENT_CREATE, &call, error);
  free(values);
  *client = call.client;
  return code;
}

void dd2_pjrt_client_destroy(const dd2_pjrt_plugin *plugin, dd2_pjrt_client *client) {
  dd2_pjrt_release(plugin, CLIENT_DESTROY, client);
}

int dd2_pjrt_client_platform(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_client *client, dd2_pjrt_text *name, dd2_pjrt_text *version, char **error) {
  int code = text_of(plugin, CLIENT_PLATFORM_NAME, client, name, error);
  return code ? code : text_of(plugin, CLIENT_PLATFORM_VERSION, client, version, error);
}

int dd2_pjrt_client_devices(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_client *client, dd2_pjrt_device *const **devices, size_t *count,
    char **error) {
  CALL(list_call, call, count);
  call.handle = client;
  int code = dd2_pjrt_call(plugin, CLIENT_ADDRESSABLE_DEVICES, &call, error);
  *devices = call.start;
  *count = call.count;
  return code;
}

int dd2_pjrt_device_describe(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_device *device, int *id, dd2_pjrt_text *kind, char **error) {
  CALL(pointer_call, description, result);
  description.handle = device;
  int code = dd2_pjrt_call(plugin, DEVICE_DESCRIPTION, &description, error);
  if (code) return code;
  CALL(int_call, number, result);
  number.handle = description.result;
  code = dd2_pjrt_call(plugin, DESCRIPTION_ID, &number, error);
  *id = number.result;
  return code ? code : text_of(plugin, DESCRIPTION_KIND, description.result, kind, error);
}

int dd2_pjrt_device_memory_get(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_device *device, dd2_pjrt_device_memory *memory, char **error) {
  CALL(device_memory_call, call, rest[9].is_set);
  call.device = device;
  int code = dd2_pjrt_call(plugin, DEVICE_MEMORY_STATS, &call, error);
  memory->in_use = call.in_use;
  memory->peak = call.rest[REST_PEAK].is_set ? call.rest[REST_PEAK].value : -1;
  memory->limit = call.rest[REST_LIMIT].is_set ? call.rest[REST_LIMIT].value : -1;
  return code;
}
