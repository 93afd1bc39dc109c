#include "dd2_hdf5.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The object-information structure changed between 1.10 and 1.12.
#if H5_VERSION_GE(1, 12, 0)
typedef H5O_info2_t object_info;
#define visit_by_name H5Ovisit_by_name3
#else
typedef H5O_info_t object_info;
#define visit_by_name H5Ovisit_by_name2
#endif

// Why the first call since dd2_h5_start failed, where that call was noted.
static char failure[512];

int dd2_h5_start(void) {
  static int is_set = 0;
  // At exit the library would try again to write what did not fit on the disk, and crash. Files are closed by then, or
  // were given up. Taken before the library starts only.
  if (!is_set) H5dont_atexit();
  is_set = 1;
  failure[0] = 0;
  if (H5open() < 0) return -1;
  return H5Eset_auto2(H5E_DEFAULT, NULL, NULL) < 0 ? -1 : 0;
}

static herr_t keep_reason(unsigned index, const H5E_error2_t *error, void *context) {
  (void)context;
  // The innermost, but for a missing filter, below which stands where its plugin was looked for.
  if (error->desc && (index == 0 || strstr(error->desc, "is not registered")))
    snprintf(failure, sizeof failure, "%s", error->desc);
  return 0;
}

// Keeps the reason of a failure, which the library's next call forgets. Returns what it is given.
static int64_t noted(int64_t status) {
  if (status < 0 && !failure[0]) H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_reason, NULL);
  return status;
}

void dd2_h5_last_error(char *message, size_t capacity) {
  noted(-1);
  if (capacity) snprintf(message, capacity, "%s", failure);
}

// ---------------------------------------------------------------------------------------------- files

static hid_t access_properties(void) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  // Cluster file systems often lack flock, and a finished file is never written again.
  H5Pset_file_locking(access, 0, 1);
  // The newer format checksums superblock, groups, headers and chunk indices.
  H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
  return access;
}

int64_t dd2_h5_open(const char *path) {
  hid_t access = access_properties();
  hid_t file = noted(H5Fopen(path, H5F_ACC_RDONLY, access));
  H5Pclose(access);
  return file;
}

int64_t dd2_h5_create(const char *path) {
  hid_t access = access_properties();
  hid_t creation = H5Pcreate(H5P_FILE_CREATE);
  H5Pset_obj_track_times(creation, 0);  // equal contents, equal bytes
  hid_t file = noted(H5Fcreate(path, H5F_ACC_TRUNC, creation, access));
  H5Pclose(creation);
  H5Pclose(access);
  return file;
}

int dd2_h5_close(int64_t file) { return H5Fclose(file); }

// --------------------------------------------------------------------------------------------- objects

/// H5Lexists fails, rather than answer no, where a parent is missing: ask for each parent in turn.
static int link_exists(hid_t file, const char *path) {
  if (!*path) return 0;
  char *prefix = strdup(path);
  if (!prefix) return -1;
  htri_t exists = 1;
  for (char *end = prefix; exists > 0 && end; ) {
    end = strchr(end + 1, '/');
    if (end) *end = 0;
    if (prefix[0] && strcmp(prefix, "/")) exists = H5Lexists(file, prefix, H5P_DEFAULT);
    if (end) *end = '/';
  }
  free(prefix);
  return exists;
}

int dd2_h5_kind(int64_t file, const char *path) {
  int exists = link_exists(file, path);
  if (exists <= 0) return exists;
  hid_t object = H5Oopen(file, path, H5P_DEFAULT);
  if (object < 0) return -1;
  H5I_type_t type = H5Iget_type(object);
  H5Oclose(object);
  return type == H5I_GROUP ? DD2_H5_IS_GROUP : type == H5I_DATASET ? DD2_H5_IS_DATASET : 0;
}

typedef struct {
  dd2_h5_visitor visitor;
  void *context;
} visit_context;

static herr_t visit_object(hid_t object, const char *name, const object_info *info, void *context) {
  (void)object;
  visit_context *to = context;
  if (strcmp(name, ".") == 0) return 0;
  if (info->type == H5O_TYPE_GROUP) to->visitor(name, DD2_H5_IS_GROUP, to->context);
  if (info->type == H5O_TYPE_DATASET) to->visitor(name, DD2_H5_IS_DATASET, to->context);
  return 0;
}

int dd2_h5_visit(int64_t file, const char *group, dd2_h5_visitor visitor, void *context) {
  visit_context to = {visitor, context};
  return visit_by_name(file, group, H5_INDEX_NAME, H5_ITER_INC, visit_object, &to, H5O_INFO_BASIC,
                       H5P_DEFAULT);
}

static hid_t link_properties(void) {
  hid_t link = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_char_encoding(link, H5T_CSET_UTF8);
  return link;
}

int dd2_h5_create_group(int64_t file, const char *path) {
  hid_t link = link_properties();
  hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
  H5Pset_obj_track_times(creation, 0);
  hid_t group = noted(H5Gcreate2(file, path, link, creation, H5P_DEFAULT));
  H5Pclose(creation);
  H5Pclose(link);
  return group < 0 ? -1 : H5Gclose(group);
}

// -------------------------------------------------------------------------------------------- datasets

static hid_t memory_type(int element) {
  switch (element) {
    case DD2_H5_FLOAT32: return H5T_NATIVE_FLOAT;
    case DD2_H5_FLOAT64: return H5T_NATIVE_DOUBLE;
    case DD2_H5_INT64: return H5T_NATIVE_INT64;
    case DD2_H5_UINT8: return H5T_NATIVE_UINT8;
    case DD2_H5_INT32: return H5T_NATIVE_INT32;
    case DD2_H5_UINT16: return H5T_NATIVE_UINT16;
    default: return H5I_INVALID_HID;
  }
}

static hid_t file_type(int element) {
  switch (element) {
    case DD2_H5_FLOAT32: return H5T_IEEE_F32LE;
    case DD2_H5_FLOAT64: return H5T_IEEE_F64LE;
    case DD2_H5_INT64: return H5T_STD_I64LE;
    case DD2_H5_UINT8: return H5T_STD_U8LE;
    case DD2_H5_INT32: return H5T_STD_I32LE;
    case DD2_H5_UINT16: return H5T_STD_U16LE;
    default: return H5I_INVALID_HID;
  }
}

static int nearest_element(hid_t type) {
  size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT: return size <= 4 ? DD2_H5_FLOAT32 : DD2_H5_FLOAT64;
    case H5T_INTEGER:
    case H5T_ENUM: return size == 1 && H5Tget_sign(type) == H5T_SGN_NONE ? DD2_H5_UINT8 : DD2_H5_INT64;
    case H5T_STRING: return DD2_H5_TEXT;
    default: return DD2_H5_OTHER;
  }
}

static int describe(hid_t dataset, dd2_h5_shape *shape) {
  hid_t space = H5Dget_space(dataset);
  hid_t type = H5Dget_type(dataset);
  hsize_t dims[DD2_H5_MAX_RANK];
  shape->rank = H5Sget_simple_extent_dims(space, dims, NULL);
  for (int axis = 0; axis < shape->rank; axis++) shape->dims[axis] = (int64_t)dims[axis];
  shape->element = H5Sget_simple_extent_type(space) == H5S_NULL ? DD2_H5_OTHER : nearest_element(type);
  shape->stored = H5Dget_storage_size(dataset);
  H5Tclose(type);
  H5Sclose(space);
  return shape->rank < 0 ? -1 : 0;
}

int dd2_h5_describe(int64_t file, const char *name, dd2_h5_shape *shape) {
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  if (dataset < 0) return -1;
  int status = describe(dataset, shape);
  H5Dclose(dataset);
  return status;
}

static H5T_conv_ret_t refuse_overflow(H5T_conv_except_t what, hid_t from, hid_t to, void *value, void *out,
                                      void *context) {
  (void)from, (void)to, (void)value, (void)out, (void)context;
  return what == H5T_CONV_EXCEPT_RANGE_HI || what == H5T_CONV_EXCEPT_RANGE_LOW ? H5T_CONV_ABORT
                                                                              : H5T_CONV_UNHANDLED;
}

/// The rows first ..< first + count of `dataset`, in the file and as a block of memory.
static int select_rows(hid_t dataset, int64_t first, int64_t count, hid_t *file_space, hid_t *block) {
  hsize_t dims[DD2_H5_MAX_RANK], start[DD2_H5_MAX_RANK] = {0};
  *file_space = H5Dget_space(dataset);
  *block = H5I_INVALID_HID;
  int rank = H5Sget_simple_extent_dims(*file_space, dims, NULL);
  if (rank < 1) return -1;
  start[0] = (hsize_t)first;
  dims[0] = (hsize_t)count;
  *block = H5Screate_simple(rank, dims, NULL);
  return H5Sselect_hyperslab(*file_space, H5S_SELECT_SET, start, NULL, dims, NULL);
}

static hid_t checked_transfer(void) {
  hid_t transfer = H5Pcreate(H5P_DATASET_XFER);
  H5Pset_type_conv_cb(transfer, refuse_overflow, NULL);
  return transfer;
}

int dd2_h5_read(int64_t file, const char *name, int element, void *out) {
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  if (dataset < 0) return -1;
  hid_t transfer = checked_transfer();
  int status = noted(H5Dread(dataset, memory_type(element), H5S_ALL, H5S_ALL, transfer, out));
  H5Pclose(transfer);
  H5Dclose(dataset);
  return status < 0 ? -1 : 0;
}

// The new dataset, negative on failure.
static hid_t create_dataset(int64_t file, const char *name, const dd2_h5_shape *shape, const int64_t *chunk) {
  hsize_t dims[DD2_H5_MAX_RANK], chunk_dims[DD2_H5_MAX_RANK];
  for (int axis = 0; axis < shape->rank; axis++) {
    dims[axis] = (hsize_t)shape->dims[axis];
    if (chunk) chunk_dims[axis] = (hsize_t)chunk[axis];
  }
  hid_t space = shape->rank ? H5Screate_simple(shape->rank, dims, NULL) : H5Screate(H5S_SCALAR);
  hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(creation, 0);
  if (chunk) {
    H5Pset_chunk(creation, shape->rank, chunk_dims);
    // Fletcher's sum takes 0x0000 for 0xFFFF, as when a disk gives a block of ones for zeros: zlib's, around bytes that are
    // left as they are, does not. Nothing is lost where the library lacks it.
    H5Pset_deflate(creation, 0);
    H5Pset_fletcher32(creation);
  } else {
    H5Pset_layout(creation, H5D_COMPACT);
  }
  hid_t link = link_properties();
  hid_t dataset = noted(H5Dcreate2(file, name, file_type(shape->element), space, link, creation, H5P_DEFAULT));
  H5Pclose(link);
  H5Pclose(creation);
  H5Sclose(space);
  return dataset;
}

int dd2_h5_write(int64_t file, const char *name, const dd2_h5_shape *shape, const int64_t *chunk,
                 const void *data) {
  hid_t dataset = create_dataset(file, name, shape, chunk);
  if (dataset < 0) return -1;
  // HDF5 wants an address even where there is nothing to write.
  int status =
      noted(H5Dwrite(dataset, memory_type(shape->element), H5S_ALL, H5S_ALL, H5P_DEFAULT, data ? data : ""));
  if (H5Dclose(dataset) < 0) status = -1;
  return status < 0 ? -1 : 0;
}

int dd2_h5_create_dataset(int64_t file, const char *name, const dd2_h5_shape *shape, const int64_t *chunk) {
  hid_t dataset = create_dataset(file, name, shape, chunk);
  return dataset < 0 || H5Dclose(dataset) < 0 ? -1 : 0;
}

typedef herr_t row_transfer(hid_t dataset, hid_t type, hid_t block, hid_t rows, hid_t transfer, void *data);

static herr_t read_selected(hid_t dataset, hid_t type, hid_t block, hid_t rows, hid_t transfer, void *data) {
  return H5Dread(dataset, type, block, rows, transfer, data);
}

static herr_t write_selected(hid_t dataset, hid_t type, hid_t block, hid_t rows, hid_t transfer, void *data) {
  return H5Dwrite(dataset, type, block, rows, transfer, data);
}

static int move_rows(row_transfer *move, int64_t file, const char *name, int element, int64_t first, int64_t count,
                     void *data) {
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  if (dataset < 0) return -1;
  hid_t transfer = checked_transfer();
  hid_t file_space = H5S_ALL, block = H5S_ALL;
  int status = select_rows(dataset, first, count, &file_space, &block);
  if (status >= 0) status = noted(move(dataset, memory_type(element), block, file_space, transfer, data));
  if (file_space > 0) H5Sclose(file_space);
  if (block > 0) H5Sclose(block);
  H5Pclose(transfer);
  if (H5Dclose(dataset) < 0) status = -1;
  return status < 0 ? -1 : 0;
}

int dd2_h5_write_rows(int64_t file, const char *name, int element, int64_t first, int64_t count, const void *data) {
  return move_rows(write_selected, file, name, element, first, count, (void *)data);
}

int dd2_h5_read_rows(int64_t file, const char *name, int element, int64_t first, int64_t count, void *out) {
  return move_rows(read_selected, file, name, element, first, count, out);
}

// ------------------------------------------------------------------------------------------ attributes

int64_t dd2_h5_attribute_count(int64_t file, const char *object_name) {
  hid_t object = H5Oopen(file, object_name, H5P_DEFAULT);
  if (object < 0) return -1;
  int count = H5Aget_num_attrs(object);
  H5Oclose(object);
  return count;
}

static int read_text(hid_t id, hid_t type, char **text) {
  hid_t memory = H5Tcopy(H5T_C_S1);
  H5Tset_cset(memory, H5Tget_cset(type));
  int status;
  if (H5Tis_variable_str(type) > 0) {
    char *stored = NULL;
    H5Tset_size(memory, H5T_VARIABLE);
    status = H5Aread(id, memory, &stored);
    if (status >= 0) *text = strdup(stored ? stored : "");
    if (stored) H5free_memory(stored);
  } else {
    size_t size = H5Tget_size(type) + 1;
    H5Tset_size(memory, size);  // one more for the NUL that padded strings lack
    *text = calloc(size, 1);
    status = *text ? H5Aread(id, memory, *text) : -1;
  }
  H5Tclose(memory);
  return status < 0 || !*text ? -1 : 0;
}

static int read_value(hid_t id, dd2_h5_attribute *attribute) {
  hid_t type = H5Aget_type(id);
  hid_t space = H5Aget_space(id);
  int status = 0;
  attribute->element = DD2_H5_OTHER;
  if (H5Sget_simple_extent_npoints(space) == 1) {
    switch (H5Tget_class(type)) {
      case H5T_STRING:
        attribute->element = DD2_H5_TEXT;
        status = read_text(id, type, &attribute->text);
        break;
      case H5T_INTEGER:
      case H5T_ENUM:
        attribute->element = DD2_H5_INT64;
        status = H5Aread(id, H5T_NATIVE_INT64, &attribute->integer);
        break;
      case H5T_FLOAT:
        attribute->element = DD2_H5_FLOAT64;
        status = H5Aread(id, H5T_NATIVE_DOUBLE, &attribute->real);
        break;
      default: break;
    }
  }
  H5Sclose(space);
  H5Tclose(type);
  return status;
}

int dd2_h5_read_attribute(int64_t file, const char *object, int64_t index, dd2_h5_attribute *attribute) {
  memset(attribute, 0, sizeof *attribute);
  hid_t id = H5Aopen_by_idx(file, object, H5_INDEX_NAME, H5_ITER_INC, (hsize_t)index, H5P_DEFAULT,
                            H5P_DEFAULT);
  if (id < 0) return -1;
  int status = -1;
  ssize_t length = H5Aget_name(id, 0, NULL);
  if (length >= 0) attribute->name = calloc((size_t)length + 1, 1);
  if (attribute->name && H5Aget_name(id, (size_t)length + 1, attribute->name) >= 0) {
    status = read_value(id, attribute);
  }
  H5Aclose(id);
  return status < 0 ? -1 : 0;
}

void dd2_h5_free_attribute(dd2_h5_attribute *attribute) {
  free(attribute->name);
  free(attribute->text);
}

int dd2_h5_write_attribute(int64_t file, const char *object, const dd2_h5_attribute *attribute) {
  hid_t stored = H5I_INVALID_HID;
  const void *value = NULL;
  switch (attribute->element) {
    case DD2_H5_INT64:
      stored = H5Tcopy(H5T_STD_I64LE);
      value = &attribute->integer;
      break;
    case DD2_H5_FLOAT64:
      stored = H5Tcopy(H5T_IEEE_F64LE);
      value = &attribute->real;
      break;
    case DD2_H5_TEXT:
      // Fixed length: the text then lies in the checksummed header, not in the global heap.
      stored = H5Tcopy(H5T_C_S1);
      H5Tset_size(stored, strlen(attribute->text) + 1);
      H5Tset_cset(stored, H5T_CSET_UTF8);
      value = attribute->text;
      break;
    default: return -1;
  }
  hid_t memory = attribute->element == DD2_H5_INT64     ? H5Tcopy(H5T_NATIVE_INT64)
                 : attribute->element == DD2_H5_FLOAT64 ? H5Tcopy(H5T_NATIVE_DOUBLE)
                                                        : H5Tcopy(stored);
  hid_t space = H5Screate(H5S_SCALAR);
  hid_t id = noted(H5Acreate_by_name(file, object, attribute->name, stored, space, H5P_DEFAULT, H5P_DEFAULT,
                                     H5P_DEFAULT));
  int status = -1;
  if (id >= 0) {
    status = noted(H5Awrite(id, memory, value));
    if (H5Aclose(id) < 0) status = -1;
  }
  H5Sclose(space);
  H5Tclose(memory);
  H5Tclose(stored);
  return status < 0 ? -1 : 0;
}
