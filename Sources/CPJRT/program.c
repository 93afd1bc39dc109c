#include <stdlib.h>
#include <string.h>

#include "abi.h"

static struct program mlir(dd2_pjrt_bytes text) {
  CALL(program, program, format_size);
  program.code = text.start;
  program.code_size = text.size;
  program.format = "mlir";
  program.format_size = strlen(program.format);
  return program;
}

int dd2_pjrt_client_compile(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_client *client, dd2_pjrt_bytes program, dd2_pjrt_bytes options,
    dd2_pjrt_loaded **loaded, char **error) {
  struct program code = mlir(program);
  CALL(client_compile_call, call, loaded);
  call.client = client;
  call.program = &code;
  call.options = options.start;
  call.options_size = options.size;
  int status = dd2_pjrt_call(plugin, CLIENT_COMPILE, &call, error);
  *loaded = call.loaded;
  return status;
}

int dd2_pjrt_client_load(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_client *client, dd2_pjrt_bytes serialized, dd2_pjrt_loaded **loaded,
    char **error) {
  CALL(load_call, call, options_size);
  call.client = client;
  call.serialized = serialized.start;
  call.serialized_size = serialized.size;
  int code = dd2_pjrt_call(plugin, EXECUTABLE_LOAD, &call, error);
  *loaded = call.loaded;
  return code;
}

void dd2_pjrt_loaded_destroy(const dd2_pjrt_plugin *plugin, dd2_pjrt_loaded *loaded) {
  dd2_pjrt_release(plugin, LOADED_DESTROY, loaded);
}

int dd2_pjrt_loaded_executable(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_loaded *loaded, dd2_pjrt_executable **executable, char **error) {
  CALL(pointer_call, call, result);
  call.handle = loaded;
  int code = dd2_pjrt_call(plugin, LOADED_EXECUTABLE, &call, error);
  *executable = call.result;
  return code;
}

int dd2_pjrt_execute(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_loaded *loaded, size_t devices, dd2_pjrt_buffer *const *arguments,
    size_t argument_count, dd2_pjrt_buffer **outputs, size_t output_count, dd2_pjrt_event **done, char **error) {
  dd2_pjrt_buffer *const **rows_in = malloc(devices * sizeof *rows_in);
  dd2_pjrt_buffer ***rows_out = malloc(devices * sizeof *rows_out);
  int code = DD2_PJRT_UNUSABLE;
  if (rows_in && rows_out) {
    for (size_t device = 0; device < devices; device++) {
      rows_in[device] = arguments + device * argument_count;
      rows_out[device] = outputs + device * output_count;
    }
    CALL(execute_options, options, incarnations);
    CALL(execute_call, call, device);
    call.loaded = loaded;
    call.options = &options;
    call.arguments = rows_in;
    call.device_count = devices;
    call.argument_count = argument_count;
    call.outputs = rows_out;
    call.done = (void **)done;
    code = dd2_pjrt_call(plugin, LOADED_EXECUTE, &call, error);
  } else {
    *error = strdup("no memory for the list of arguments");
  }
  free(rows_in);
  free(rows_out);
  return code;
}

void dd2_pjrt_executable_destroy(const dd2_pjrt_plugin *plugin, dd2_pjrt_executable *executable) {
  dd2_pjrt_release(plugin, EXECUTABLE_DESTROY, executable);
}

int dd2_pjrt_executable_outputs(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_executable *executable, size_t *count, char **error) {
  CALL(size_call, call, result);
  call.handle = executable;
  int code = dd2_pjrt_call(plugin, EXECUTABLE_NUM_OUTPUTS, &call, error);
  *count = call.result;
  return code;
}

int dd2_pjrt_executable_serialize(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_executable *executable, void **bytes, size_t *size, char **error) {
  CALL(serialize_call, call, release);
  call.executable = executable;
  int code = dd2_pjrt_call(plugin, EXECUTABLE_SERIALIZE, &call, error);
  if (code) return code;
  *bytes = malloc(call.byte_count ? call.byte_count : 1);
  *size = *bytes ? call.byte_count : 0;
  if (*bytes) memcpy(*bytes, call.bytes, call.byte_count);
  call.release(call.owner);
  if (*bytes) return 0;
  *error = strdup("no memory for the serialized program");
  return DD2_PJRT_UNUSABLE;
}

int dd2_pjrt_executable_cost(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_executable *executable, const dd2_pjrt_values **values, size_t *count,
    char **error) {
  CALL(cost_call, call, values);
  call.executable = executable;
  int code = dd2_pjrt_call(plugin, EXECUTABLE_COST, &call, error);
  *values = (const dd2_pjrt_values *)call.values;
  *count = call.count;
  return code;
}

int dd2_pjrt_executable_memory(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_executable *executable, dd2_pjrt_program_memory *memory, char **error) {
  CALL(program_memory_call, call, peak);
  call.executable = executable;
  int code = dd2_pjrt_call(plugin, EXECUTABLE_MEMORY, &call, error);
  memory->arguments = call.arguments;
  memory->outputs = call.outputs;
  memory->aliased = call.aliased;
  memory->temporary = call.temporary;
  memory->code = call.code;
  return code;
}

int dd2_pjrt_topology_create(
    const dd2_pjrt_plugin *plugin, const char *name, const dd2_pjrt_value *options, size_t count,
    dd2_pjrt_topology **topology, char **error) {
  struct named_value *values = dd2_pjrt_named_values(options, count);
  CALL(topology_create_call, call, topology);
  call.name = name;
  call.name_size = strlen(name);
  call.options = values;
  call.option_count = count;
  int code = dd2_pjrt_call(plugin, TOPOLOGY_CREATE, &call, error);
  free(values);
  *topology = call.topology;
  return code;
}

void dd2_pjrt_topology_destroy(const dd2_pjrt_plugin *plugin, dd2_pjrt_topology *topology) {
  dd2_pjrt_release(plugin, TOPOLOGY_DESTROY, topology);
}

int dd2_pjrt_topology_devices(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_topology *topology, size_t *count, char **error) {
  CALL(list_call, call, count);
  call.handle = topology;
  int code = dd2_pjrt_call(plugin, TOPOLOGY_DESCRIPTIONS, &call, error);
  *count = call.count;
  return code;
}

int dd2_pjrt_topology_compile(
    const dd2_pjrt_plugin *plugin, dd2_pjrt_topology *topology, dd2_pjrt_bytes program, dd2_pjrt_bytes options,
    dd2_pjrt_executable **executable, char **error) {
  struct program code = mlir(program);
  CALL(compile_call, call, executable);
  call.topology = topology;
  call.program = &code;
  call.options = options.start;
  call.options_size = options.size;
  int status = dd2_pjrt_call(plugin, COMPILE, &call, error);
  *executable = call.executable;
  return status;
}
