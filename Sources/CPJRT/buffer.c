#include <stdlib.h>

#include "abi.h"

int dd2_pjrt_event_wait(const dd2_pjrt_plugin *plugin, dd2_pjrt_event *event, char **error) {
  CALL(handle_call, call, handle);
  call.handle = event;
  return dd2_pjrt_call(plugin, EVENT_AWAIT, &call, error);
}

void dd2_pjrt_event_destroy(const dd2_pjrt_plugin *plugin, dd2_pjrt_event *event) {
  dd2_pjrt_release(plugin, EVENT_DESTROY, event);
}

int dd2_pjrt_buffer_create(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_client *client, dd2_pjrt_device *device, const void *data, int element,
    const int64_t *extents, size_t rank, dd2_pjrt_buffer **buffer, char **error) {
  CALL(buffer_from_host_call, call, buffer);
  call.client = client;
  call.device = device;
  call.data = data;
  call.element = element;
  call.extents = extents;
  call.rank = rank;
  int code = dd2_pjrt_call(plugin, CLIENT_BUFFER_FROM_HOST, &call, error);
  if (code) return code;
  if (call.done) {
    code = dd2_pjrt_event_wait(plugin, call.done, error);
    dd2_pjrt_event_destroy(plugin, call.done);
  }
  if (code)
    dd2_pjrt_buffer_destroy(plugin, call.buffer);
  else
    *buffer = call.buffer;
  return code;
}

void dd2_pjrt_buffer_destroy(const dd2_pjrt_plugin *plugin, dd2_pjrt_buffer *buffer) {
  dd2_pjrt_release(plugin, BUFFER_DESTROY, buffer);
}

int dd2_pjrt_buffer_type(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_buffer *buffer, int *element, const int64_t **extents, size_t *rank,
    char **error) {
  CALL(int_call, type, result);
  type.handle = buffer;
  int code = dd2_pjrt_call(plugin, BUFFER_ELEMENT_TYPE, &type, error);
  if (code) return code;
  CALL(list_call, shape, count);
  shape.handle = buffer;
  code = dd2_pjrt_call(plugin, BUFFER_DIMENSIONS, &shape, error);
  *element = type.result;
  *extents = shape.start;
  *rank = shape.count;
  return code;
}

int dd2_pjrt_buffer_size(const dd2_pjrt_plugin *plugin, dd2_pjrt_buffer *buffer, size_t *bytes, char **error) {
  CALL(size_call, call, result);
  call.handle = buffer;
  int code = dd2_pjrt_call(plugin, BUFFER_DEVICE_BYTES, &call, error);
  *bytes = call.result;
  return code;
}

int dd2_pjrt_buffer_is_deleted(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_buffer *buffer, bool *is_deleted, char **error) {
  CALL(bool_call, call, result);
  call.handle = buffer;
  int code = dd2_pjrt_call(plugin, BUFFER_IS_DELETED, &call, error);
  *is_deleted = call.result;
  return code;
}

int dd2_pjrt_buffer_delete(const dd2_pjrt_plugin *plugin, dd2_pjrt_buffer *buffer, char **error) {
  CALL(handle_call, call, handle);
  call.handle = buffer;
  return dd2_pjrt_call(plugin, BUFFER_DELETE, &call, error);
}

int dd2_pjrt_buffer_read(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_buffer *buffer, void *data, size_t capacity, dd2_pjrt_event **done,
    char **error) {
  CALL(list_call, shape, count);
  shape.handle = buffer;
  int code = dd2_pjrt_call(plugin, BUFFER_DIMENSIONS, &shape, error);
  if (code) return code;
  // Without a layout the array comes in the device's own, which need not be row-major.
  size_t rank = shape.count;
  int64_t *minor_to_major = calloc(rank ? rank : 1, sizeof *minor_to_major);
  for (size_t i = 0; minor_to_major && i < rank; i++) minor_to_major[i] = (int64_t)(rank - 1 - i);
  CALL(layout, layout, kind);
  layout.tiled.size = offsetof(struct layout, kind) - offsetof(struct layout, tiled);
  layout.tiled.minor_to_major = minor_to_major;
  layout.tiled.rank = rank;
  CALL(buffer_to_host_call, call, done);
  call.buffer = buffer;
  call.layout = &layout;
  call.data = data;
  call.capacity = capacity;
  code = dd2_pjrt_call(plugin, BUFFER_TO_HOST, &call, error);
  free(minor_to_major);
  *done = call.done;
  return code;
}
