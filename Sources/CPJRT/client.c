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

int dd2_pjrt_client_create(
    const dd2_pjrt_plugin *plugin, const dd2_pjrt_value *options, size_t count, dd2_pjrt_client **client,
    char **error) {
  struct named_value *values = dd2_pjrt_named_values(options, count);
  CALL(client_create_call, call, try_get_argument);
  call.options = values;
  call.option_count = count;
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
