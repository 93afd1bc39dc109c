#ifndef DD2_HDF5_H
#define DD2_HDF5_H

#include <stddef.h>
#include <stdint.h>

// HDF5 behind small functions. The serial library need not be thread safe: the caller holds one lock
// around every call. Files are int64_t handles, negative on failure; other functions return 0 or negative.

enum { DD2_H5_MAX_RANK = 32 };

/// Element kinds that cross this boundary; HDF5 converts whatever the file holds to the kind asked for. Files are
/// described in the first six; the narrow integers are those of rows.
enum {
  DD2_H5_OTHER = 0,
  DD2_H5_FLOAT32 = 1,
  DD2_H5_FLOAT64 = 2,
  DD2_H5_INT64 = 3,
  DD2_H5_UINT8 = 4,
  DD2_H5_TEXT = 5,
  DD2_H5_INT32 = 6,
  DD2_H5_UINT16 = 7,
};

enum { DD2_H5_IS_GROUP = 1, DD2_H5_IS_DATASET = 2 };

typedef struct {
  int rank;
  int64_t dims[DD2_H5_MAX_RANK];
  int element;      // nearest kind to what the file holds
  uint64_t stored;  // bytes of it in the file; 0 where nothing was written
} dd2_h5_shape;

typedef struct {
  char *name;
  int element;  // DD2_H5_INT64, DD2_H5_FLOAT64, DD2_H5_TEXT or DD2_H5_OTHER
  int64_t integer;
  double real;
  char *text;
} dd2_h5_attribute;

/// Called with a path relative to the visited group, without leading slash.
typedef void (*dd2_h5_visitor)(const char *path, int kind, void *context);

/// Initialises the library if need be, stops it from printing in this thread and forgets earlier failures.
int dd2_h5_start(void);
/// The innermost message of the first failure since dd2_h5_start, empty if there is none.
void dd2_h5_last_error(char *message, size_t capacity);

/// Reads all of a file in a child process, with 1 GiB of memory beyond this process's and so many seconds.
/// Returns the signal that ended it, SIGKILL where memory did; 0 where none did, whether or not the file is sound. Between
/// threads' calls of HDF5 only.
int dd2_h5_try(const char *path, unsigned seconds);

int64_t dd2_h5_open(const char *path);
/// Creates (or empties) a file whose metadata carry checksums.
int64_t dd2_h5_create(const char *path);
int dd2_h5_close(int64_t file);

/// 0 if nothing is there, else DD2_H5_IS_GROUP or DD2_H5_IS_DATASET, negative on failure.
int dd2_h5_kind(int64_t file, const char *path);
/// Visits each object below `group` once, whatever cycles its links form.
int dd2_h5_visit(int64_t file, const char *group, dd2_h5_visitor visitor, void *context);
/// Creates a group in one that is there.
int dd2_h5_create_group(int64_t file, const char *path);

int dd2_h5_describe(int64_t file, const char *dataset, dd2_h5_shape *shape);
/// Reads a whole dataset. A value that the asked kind cannot hold is a failure, not a clamp.
int dd2_h5_read(int64_t file, const char *dataset, int element, void *out);
/// Writes a whole dataset into a group that is there; `chunk` NULL stores it inside its own checksummed
/// header (small data only), else in chunks of that shape under two checksums.
int dd2_h5_write(int64_t file, const char *dataset, const dd2_h5_shape *shape, const int64_t *chunk,
                 const void *data);
/// Creates a dataset as dd2_h5_write does, to be filled with dd2_h5_write_rows.
int dd2_h5_create_dataset(int64_t file, const char *dataset, const dd2_h5_shape *shape, const int64_t *chunk);
/// Writes rows first ..< first + count of the leading axis of a dataset that is there. A value that the dataset cannot
/// hold is a failure.
int dd2_h5_write_rows(int64_t file, const char *dataset, int element, int64_t first, int64_t count, const void *data);
/// Reads such rows, as dd2_h5_read does.
int dd2_h5_read_rows(int64_t file, const char *dataset, int element, int64_t first, int64_t count, void *out);

/// The number of attributes of an object, negative on failure.
int64_t dd2_h5_attribute_count(int64_t file, const char *object);
/// Reads an attribute by position; free with dd2_h5_free_attribute, also after a failure.
int dd2_h5_read_attribute(int64_t file, const char *object, int64_t index, dd2_h5_attribute *attribute);
void dd2_h5_free_attribute(dd2_h5_attribute *attribute);
int dd2_h5_write_attribute(int64_t file, const char *object, const dd2_h5_attribute *attribute);

#endif
