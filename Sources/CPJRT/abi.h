#ifndef DD2_PJRT_ABI_H
#define DD2_PJRT_ABI_H

#include "dd2_pjrt.h"

// The part of PJRT's binary interface (major version 0, first minor version 81) that dd2 calls.
//
// A call takes one structure, which begins with its size and a chain of extensions (none here). A plugin tells by the size
// which members its caller knows, so later versions add members behind these. `size` counts to the end of the last member
// and not the padding behind it, where a later version's member may lie.

/// Declares a call's structure with its first two members set.
#define CALL(type, name, last) \
  struct type name = {.size = offsetof(struct type, last) + sizeof(((struct type *)0)->last)}
#define HEAD size_t size; void *extensions

struct error;
struct description;

/// The plugin's table. Each function takes its structure and gives an error or NULL, but for the first two.
struct dd2_pjrt_plugin {
  HEAD;
  struct {
    HEAD;
    int major;
    int minor;
  } version;
  struct error *(*functions[])(void *);
};

/// Positions in the table.
enum {
  ERROR_DESTROY = 0,
  ERROR_MESSAGE = 1,
  ERROR_CODE = 2,
  PLUGIN_INITIALIZE = 3,
  PLUGIN_ATTRIBUTES = 4,
  EVENT_DESTROY = 5,
  EVENT_AWAIT = 8,
  CLIENT_CREATE = 10,
  CLIENT_DESTROY = 11,
  CLIENT_PLATFORM_NAME = 12,
  CLIENT_PLATFORM_VERSION = 14,
  CLIENT_ADDRESSABLE_DEVICES = 16,
  CLIENT_COMPILE = 20,
  CLIENT_BUFFER_FROM_HOST = 22,
  DESCRIPTION_ID = 23,
  DESCRIPTION_KIND = 26,
  DEVICE_DESCRIPTION = 29,
  DEVICE_MEMORY_STATS = 34,
  EXECUTABLE_DESTROY = 40,
  EXECUTABLE_NUM_OUTPUTS = 44,
  EXECUTABLE_COST = 46,
  EXECUTABLE_SERIALIZE = 49,
  LOADED_DESTROY = 50,
  LOADED_EXECUTABLE = 51,
  LOADED_EXECUTE = 55,
  EXECUTABLE_LOAD = 56,
  BUFFER_DESTROY = 58,
  BUFFER_ELEMENT_TYPE = 59,
  BUFFER_DIMENSIONS = 60,
  BUFFER_DEVICE_BYTES = 64,
  BUFFER_DELETE = 67,
  BUFFER_IS_DELETED = 68,
  BUFFER_TO_HOST = 70,
  TOPOLOGY_CREATE = 82,
  TOPOLOGY_DESTROY = 83,
  TOPOLOGY_DESCRIPTIONS = 86,
  COMPILE = 89,
  EXECUTABLE_MEMORY = 96,
};

/// Structures of one handle and no more: to destroy, wait or delete.
struct handle_call {
  HEAD;
  void *handle;
};

/// A handle in, a pointer out.
struct pointer_call {
  HEAD;
  void *handle;
  void *result;
};

/// A handle in, a number out.
struct int_call {
  HEAD;
  void *handle;
  int result;
};

struct size_call {
  HEAD;
  void *handle;
  size_t result;
};
struct bool_call {
  HEAD;
  void *handle;
  bool result;
};

/// A handle in, a text or an array with its length out.
struct list_call {
  HEAD;
  const void *handle;
  const void *start;
  size_t count;
};

struct initialize_call {
  HEAD;
};
struct attributes_call {
  HEAD;
  const struct named_value *values;
  size_t count;
};
struct cost_call {
  HEAD;
  void *executable;
  size_t count;
  const struct named_value *values;
};

struct named_value {
  HEAD;
  const char *name;
  size_t name_size;
  int kind;
  union {
    const char *text;
    int64_t integer;
    const int64_t *integers;
    float real;
    bool flag;
  };
  size_t count;
};

/// Makes an error of a callback's: code and text, which is copied.
typedef struct error *error_maker(int code, const char *text, size_t size);

/// The store of keys of several processes, called by the plugin. A value that is got is released by the function beside it.
struct store_get_call {
  HEAD;
  const char *key;
  size_t key_size;
  int milliseconds;
  error_maker **fail;
  void *argument;
  char *value;
  size_t value_size;
  void (*release)(char *value);
};
struct store_try_get_call {
  HEAD;
  const char *key;
  size_t key_size;
  error_maker **fail;
  void *argument;
  char *value;
  size_t value_size;
  void (*release)(char *value);
};
struct store_put_call {
  HEAD;
  const char *key;
  size_t key_size;
  const char *value;
  size_t value_size;
  error_maker **fail;
  void *argument;
};

struct client_create_call {
  HEAD;
  const struct named_value *options;
  size_t option_count;
  struct error *(*get)(struct store_get_call *);
  void *get_argument;
  struct error *(*put)(struct store_put_call *);
  void *put_argument;
  void *client;
  struct error *(*try_get)(struct store_try_get_call *);
  void *try_get_argument;
};

struct device_memory_call {
  HEAD;
  void *device;
  int64_t in_use;
  // What may be missing is followed by whether it is there: peak, allocations, largest allocation, limit, reserved, peak
  // of it, limit of it, largest free block, pool, peak of it.
  struct {
    int64_t value;
    bool is_set;
  } rest[10];
};
enum { REST_PEAK = 0, REST_LIMIT = 3 };

/// Dimensions from the fastest to the slowest; no tiles.
struct layout {
  HEAD;
  struct {
    HEAD;
    const int64_t *minor_to_major;
    size_t rank;
    const int64_t *tile_extents;
    const size_t *tile_ranks;
    size_t tile_count;
  } tiled;
  int kind;  // 0: tiled
};

struct buffer_from_host_call {
  HEAD;
  void *client;
  const void *data;
  int element;
  const int64_t *extents;
  size_t rank;
  const int64_t *strides;
  size_t stride_count;
  int semantics;  // 0: the data are copied before the call returns
  void *device;
  void *memory;
  struct layout *layout;
  void *done;
  void *buffer;
};
struct buffer_to_host_call {
  HEAD;
  void *buffer;
  struct layout *layout;
  void *data;
  size_t capacity;
  void *done;
};

struct program {
  HEAD;
  const char *code;
  size_t code_size;
  const char *format;
  size_t format_size;
};

struct client_compile_call {
  HEAD;
  void *client;
  const struct program *program;
  const void *options;
  size_t options_size;
  void *loaded;
};
struct compile_call {
  HEAD;
  void *topology;
  const struct program *program;
  const void *options;
  size_t options_size;
  void *client;
  void *executable;
};

struct load_call {
  HEAD;
  void *client;
  const void *serialized;
  size_t serialized_size;
  void *loaded;
  const void *options;
  size_t options_size;
};

struct execute_options {
  HEAD;
  void *send, *receive;
  size_t send_count, receive_count;
  int launch;
  const int64_t *kept_arguments;
  size_t kept_argument_count;
  void *context;
  const char *call_site;
  size_t task_count;
  int *tasks;
  int64_t *incarnations;
};

struct execute_call {
  HEAD;
  void *loaded;
  struct execute_options *options;
  dd2_pjrt_buffer *const *const *arguments;  // by device
  size_t device_count;
  size_t argument_count;
  dd2_pjrt_buffer **const *outputs;  // by device
  void **done;                       // by device
  void *device;
};

struct serialize_call {
  HEAD;
  void *executable;
  const void *bytes;
  size_t byte_count;
  void *owner;
  void (*release)(void *owner);
};

struct program_memory_call {
  HEAD;
  void *executable;
  int64_t code, arguments, outputs, aliased, temporary;
  int64_t host_code, host_arguments, host_outputs, host_aliased, host_temporary;
  int64_t peak;
};

struct topology_create_call {
  HEAD;
  const char *name;
  size_t name_size;
  const struct named_value *options;
  size_t option_count;
  void *topology;
};

/// Makes a call: 0, or the code of its error, whose text goes to *error.
int dd2_pjrt_call(const dd2_pjrt_plugin *plugin, int function, void *call, char **error);
/// Makes a call that releases a handle: nothing could be done about a failure.
void dd2_pjrt_release(const dd2_pjrt_plugin *plugin, int function, void *handle);
/// Options as the ABI has them, for the caller to free().
struct named_value *dd2_pjrt_named_values(const dd2_pjrt_value *options, size_t count);

#endif
