#ifndef DD2_PJRT_H
#define DD2_PJRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The PJRT C API behind small functions: a plugin is opened at run time, never linked.
//
// A function that returns int gives 0, or a failure's code: an absl status code as the plugin gives it, or
// DD2_PJRT_UNUSABLE. *error is then a text of the plugin's own or of ours, for the caller to free().
// Every handle that a function makes is released by the one function named after its type, once. Any thread may call.

enum { DD2_PJRT_DEADLINE = 4, DD2_PJRT_NOT_FOUND = 5, DD2_PJRT_UNIMPLEMENTED = 12, DD2_PJRT_UNUSABLE = -1 };

typedef struct dd2_pjrt_plugin dd2_pjrt_plugin;
typedef struct dd2_pjrt_client dd2_pjrt_client;
typedef struct dd2_pjrt_device dd2_pjrt_device;
typedef struct dd2_pjrt_buffer dd2_pjrt_buffer;
typedef struct dd2_pjrt_event dd2_pjrt_event;
typedef struct dd2_pjrt_topology dd2_pjrt_topology;
/// A compiled program: on a device or not.
typedef struct dd2_pjrt_executable dd2_pjrt_executable;
/// A compiled program that a client can run.
typedef struct dd2_pjrt_loaded dd2_pjrt_loaded;
/// A list of named values that a plugin owns.
typedef struct dd2_pjrt_values dd2_pjrt_values;

/// Kinds of named values, numbered as in the ABI.
enum {
  DD2_PJRT_TEXT = 0,
  DD2_PJRT_INTEGER = 1,
  DD2_PJRT_INTEGERS = 2,
  DD2_PJRT_REAL = 3,
  DD2_PJRT_FLAG = 4,
};

/// A value with a name; neither name nor text need end in a zero byte.
typedef struct {
  const char *name;
  size_t name_size;
  int kind;
  const char *text;
  const int64_t *integers;
  size_t count;  // bytes of text, or number of integers
  int64_t integer;
  float real;
  bool flag;
} dd2_pjrt_value;

/// A text that a plugin owns.
typedef struct {
  const char *start;
  size_t size;
} dd2_pjrt_text;

// ---------------------------------------------------------------------------------------------- plugin

/// Opens a plugin, which stays open as long as the process.
int dd2_pjrt_open(const char *path, const dd2_pjrt_plugin **plugin, char **error);
/// The version of the API that the plugin was built for.
void dd2_pjrt_version(const dd2_pjrt_plugin *plugin, int *major, int *minor);
/// What the plugin says of itself; lives as long as the process.
int dd2_pjrt_attributes(
    const dd2_pjrt_plugin *plugin, const dd2_pjrt_values **values, size_t *count, char **error);
/// One of the values that a plugin gave.
dd2_pjrt_value dd2_pjrt_value_at(const dd2_pjrt_values *values, size_t index);

// ---------------------------------------------------------------------------------------------- client and devices

/// Where the clients of several processes exchange what they know of each other, also while programs run: any thread may
/// call.
typedef struct {
  /// Given to the functions.
  void *owner;
  void (*put)(void *owner, dd2_pjrt_text key, dd2_pjrt_text value);
  /// Waits so many milliseconds for a value; negative for none. False where it does not come; `*value` is to be free()d.
  bool (*get)(void *owner, dd2_pjrt_text key, int64_t milliseconds, char **value, size_t *size);
} dd2_pjrt_store;

/// Starts a client. `store` may be NULL; else it must be there as long as the client.
int dd2_pjrt_client_create(
    const dd2_pjrt_plugin *plugin, const dd2_pjrt_value *options, size_t count, const dd2_pjrt_store *store,
    dd2_pjrt_client **client, char **error);
void dd2_pjrt_client_destroy(const dd2_pjrt_plugin *plugin, dd2_pjrt_client *client);
/// Name and version of the platform; both live as long as the client.
int dd2_pjrt_client_platform(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_client *client, dd2_pjrt_text *name, dd2_pjrt_text *version, char **error);
/// The devices that the client can use; they live as long as it.
int dd2_pjrt_client_devices(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_client *client, dd2_pjrt_device *const **devices, size_t *count,
    char **error);
/// A device's number and the name of its kind, which lives as long as the client.
int dd2_pjrt_device_describe(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_device *device, int *id, dd2_pjrt_text *kind, char **error);

/// Bytes of a device's memory; -1 where the plugin does not say.
typedef struct {
  int64_t in_use;
  int64_t peak;
  int64_t limit;
} dd2_pjrt_device_memory;

/// DD2_PJRT_UNIMPLEMENTED where the plugin keeps no such figures.
int dd2_pjrt_device_memory_get(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_device *device, dd2_pjrt_device_memory *memory, char **error);

// ---------------------------------------------------------------------------------------------- buffers and events

/// Copies a dense row-major array to a device. `data` is not needed after the call.
int dd2_pjrt_buffer_create(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_client *client, dd2_pjrt_device *device, const void *data, int element,
    const int64_t *extents, size_t rank, dd2_pjrt_buffer **buffer, char **error);
void dd2_pjrt_buffer_destroy(const dd2_pjrt_plugin *plugin, dd2_pjrt_buffer *buffer);
/// Element type by its number in the ABI, and extents, which live as long as the buffer.
int dd2_pjrt_buffer_type(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_buffer *buffer, int *element, const int64_t **extents, size_t *rank,
    char **error);
/// Bytes on the device.
int dd2_pjrt_buffer_size(const dd2_pjrt_plugin *plugin, dd2_pjrt_buffer *buffer, size_t *bytes, char **error);
/// Whether the memory is gone: deleted, or donated to a program.
int dd2_pjrt_buffer_is_deleted(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_buffer *buffer, bool *is_deleted, char **error);
/// Gives the memory back as soon as nothing uses it; the handle remains.
int dd2_pjrt_buffer_delete(const dd2_pjrt_plugin *plugin, dd2_pjrt_buffer *buffer, char **error);
/// Begins to copy the array, dense and row-major, to `data`, which must be there until the event.
int dd2_pjrt_buffer_read(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_buffer *buffer, void *data, size_t capacity, dd2_pjrt_event **done,
    char **error);

/// Waits. Fails as what was waited for does.
int dd2_pjrt_event_wait(const dd2_pjrt_plugin *plugin, dd2_pjrt_event *event, char **error);
void dd2_pjrt_event_destroy(const dd2_pjrt_plugin *plugin, dd2_pjrt_event *event);

// ---------------------------------------------------------------------------------------------- programs

/// Bytes given by their start and number.
typedef struct {
  const void *start;
  size_t size;
} dd2_pjrt_bytes;

/// Compiles an MLIR module, text or bytecode, for a client. `options` is a serialized CompileOptionsProto.
int dd2_pjrt_client_compile(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_client *client, dd2_pjrt_bytes program, dd2_pjrt_bytes options,
    dd2_pjrt_loaded **loaded, char **error);
/// Loads what dd2_pjrt_executable_serialize gave.
int dd2_pjrt_client_load(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_client *client, dd2_pjrt_bytes serialized, dd2_pjrt_loaded **loaded,
    char **error);
void dd2_pjrt_loaded_destroy(const dd2_pjrt_plugin *plugin, dd2_pjrt_loaded *loaded);
/// The compiled program of a loaded one: a handle of its own.
int dd2_pjrt_loaded_executable(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_loaded *loaded, dd2_pjrt_executable **executable, char **error);
/// Begins to run a program on all its devices here. `arguments` are those of the first device, then those of the next;
/// `outputs` has room for as many for each. They, and the events in `done`, one a device, are the caller's.
int dd2_pjrt_execute(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_loaded *loaded, size_t devices, dd2_pjrt_buffer *const *arguments,
    size_t argument_count, dd2_pjrt_buffer **outputs, size_t output_count, dd2_pjrt_event **done, char **error);

void dd2_pjrt_executable_destroy(const dd2_pjrt_plugin *plugin, dd2_pjrt_executable *executable);
int dd2_pjrt_executable_outputs(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_executable *executable, size_t *count, char **error);
/// A copy that the caller frees with free().
int dd2_pjrt_executable_serialize(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_executable *executable, void **bytes, size_t *size, char **error);
/// The compiler's estimates, which live as long as the executable.
int dd2_pjrt_executable_cost(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_executable *executable, const dd2_pjrt_values **values, size_t *count,
    char **error);

/// Bytes of device memory that a run of a program takes.
typedef struct {
  int64_t arguments;
  int64_t outputs;
  int64_t aliased;  // of the outputs, in the memory of arguments
  int64_t temporary;
  int64_t code;
} dd2_pjrt_program_memory;

int dd2_pjrt_executable_memory(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_executable *executable, dd2_pjrt_program_memory *memory, char **error);

// ---------------------------------------------------------------------------------------------- absent devices

/// Devices that need not be there, as the options tell.
int dd2_pjrt_topology_create(
    const dd2_pjrt_plugin *plugin, const char *name, const dd2_pjrt_value *options, size_t count,
    dd2_pjrt_topology **topology, char **error);
void dd2_pjrt_topology_destroy(const dd2_pjrt_plugin *plugin, dd2_pjrt_topology *topology);
int dd2_pjrt_topology_devices(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_topology *topology, size_t *count, char **error);
/// As dd2_pjrt_client_compile; the result cannot run here.
int dd2_pjrt_topology_compile(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_topology *topology, dd2_pjrt_bytes program, dd2_pjrt_bytes options,
    dd2_pjrt_executable **executable, char **error);

#endif
