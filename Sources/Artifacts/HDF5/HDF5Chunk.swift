/// How a dataset is cut into the pieces that HDF5 checksums one by one.
enum HDF5Chunk {
  /// HDF5 keeps 1 MiB of chunks at hand, so that reads of a few rows of one chunk find it there.
  static let targetBytes = 1 << 20

  /// Blocks of whole rows near the target size, equal within rounding so that the last is not mostly padding;
  /// nil for scalars and empty arrays, which HDF5 cannot chunk.
  static func shape(for shape: [Int], elementSize: Int) -> [Int64]? {
    guard !shape.isEmpty, !shape.contains(0) else { return nil }
    var chunk = shape
    for axis in shape.indices {
      let inner = shape[(axis + 1)...].reduce(elementSize, *)
      let fitting = max(1, targetBytes / inner)
      if fitting >= shape[axis] { break }
      let pieces = (shape[axis] + fitting - 1) / fitting
      chunk[axis] = (shape[axis] + pieces - 1) / pieces
      if inner <= targetBytes { break }
    }
    return chunk.map(Int64.init)
  }
}
