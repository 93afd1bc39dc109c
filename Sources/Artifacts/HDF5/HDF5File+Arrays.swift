import CShims
import Foundation

extension HDF5File {
  /// The extents of a dataset, slowest axis first.
  ///
  /// Throws `ArtifactError.missingDataset`, `.corrupt`, `.unsupported` if it does not hold numbers, `.tooLarge`
  /// if its extents multiply beyond what an `Int` counts.
  public func shape(of name: String) throws -> [Int] {
    try HDF5Library.locked { try describe(name).shape }
  }

  /// As `shape(of:)`, for a dataset that will be read in parts.
  ///
  /// Throws also `ArtifactError.tooLarge` where the whole does not fit into memory or the file has far too little of it.
  public func plausibleShape(of name: String) throws -> [Int] {
    try HDF5Library.locked {
      let (shape, _, stored) = try describe(name)
      guard Self.product(shape).value <= Self.memoryLimit(stored: stored) / MemoryLayout<Int32>.size else {
        throw tooLarge(name, shape)
      }
      return shape
    }
  }

  /// A whole dataset. Half and single floats become `.float32`, wider ones `.float64`, unsigned bytes
  /// `.uint8`, other integers and enumerations `.int64`.
  ///
  /// Throws as `shape(of:)`, and `ArtifactError.tooLarge` if it does not fit into this machine's memory or the
  /// file has far too little of it; checksum mismatches and integers beyond `Int64` throw `.corrupt`.
  public func read(_ name: String) throws -> HostArray {
    try HDF5Library.locked {
      let (shape, element, stored) = try describe(name)
      return try read(name, shape: shape, element: element, stored: stored)
    }
  }

  /// Rows of the leading axis of a dataset of integers, for arrays of which only parts are wanted.
  ///
  /// Throws as `read(_:)`, and `ArtifactError.wrongFormat` where the dataset does not hold integers.
  /// - Parameter rows: within the dataset's own.
  public func readRows(_ rows: Range<Int>, of name: String) throws -> [Int32] {
    try HDF5Library.locked {
      let (shape, element, stored) = try describe(name)
      guard element == DD2_H5_INT64 || element == DD2_H5_UINT8 else {
        throw ArtifactError.wrongFormat(path: path, detail: "\(name) does not hold integers")
      }
      precondition(
        !shape.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= shape[0], "readRows: \(rows) of \(shape)")
      let count = rows.count * shape.dropFirst().reduce(1, *)
      guard count <= Self.memoryLimit(stored: stored) / MemoryLayout<Int32>.size else { throw tooLarge(name, shape) }
      guard count > 0 else { return [] }
      return try [Int32](unsafeUninitializedCapacity: count) { buffer, initialized in
        let status = dd2_h5_read_rows(
          handle, name, Int32(DD2_H5_INT32), Int64(rows.lowerBound), Int64(rows.count), buffer.baseAddress)
        guard status == 0 else { throw HDF5Library.isOverflow ? beyond32Bits(name) : failure(name) }
        initialized = count
      }
    }
  }

  private func beyond32Bits(_ name: String) -> ArtifactError {
    .wrongFormat(path: path, detail: "\(name) holds integers beyond 32 bits")
  }

  /// - Returns: extents, kind of the elements, and bytes that the file has of them.
  private func describe(_ name: String) throws -> (shape: [Int], element: Int, stored: Int) {
    try requireDataset(name)
    var raw = dd2_h5_shape()
    guard dd2_h5_describe(handle, name, &raw) == 0 else { throw failure(name) }
    let shape = withUnsafeBytes(of: raw.dims) { dims in
      dims.bindMemory(to: Int64.self).prefix(Int(raw.rank)).map { Int($0) }
    }
    let element = Int(raw.element)
    guard element != DD2_H5_OTHER, element != DD2_H5_TEXT else {
      throw ArtifactError.unsupported(path: path, detail: "\(name) does not hold numbers")
    }
    let (_, overflows) = Self.product(shape)
    guard !overflows, shape.allSatisfy({ $0 >= 0 }) else { throw tooLarge(name, shape) }
    return (shape, element, Int(clamping: raw.stored))
  }

  /// The product of the extents. Whether it overflows is asked of those that are not 0, in whatever order they stand.
  private static func product(_ shape: [Int]) -> (value: Int, overflows: Bool) {
    let (value, overflows) = shape.filter { $0 != 0 }.reduce((1, false)) { partial, extent in
      let (value, overflows) = partial.0.multipliedReportingOverflow(by: extent)
      return (value, partial.1 || overflows)
    }
    return (shape.contains(0) ? 0 : value, overflows)
  }

  /// A damaged or hostile header can claim any extents, and chunks never written take no room in the file.
  private func tooLarge(_ name: String, _ shape: [Int]) -> ArtifactError {
    .tooLarge(path: path, detail: "\(name) claims the shape \(shape), too large for this machine")
  }

  private func read(_ name: String, shape: [Int], element: Int, stored: Int) throws -> HostArray {
    let limit = Self.memoryLimit(stored: stored)
    return switch element {
    case DD2_H5_FLOAT32: HostArray(shape: shape, try values(name, shape, element, limit) as [Float])
    case DD2_H5_FLOAT64: HostArray(shape: shape, try values(name, shape, element, limit) as [Double])
    case DD2_H5_UINT8: HostArray(shape: shape, try values(name, shape, element, limit) as [UInt8])
    default: HostArray(shape: shape, try values(name, shape, element, limit) as [Int64])
    }
  }

  /// Bytes that a dataset with `stored` bytes in the file may take: what deflate can make of them at best, or little.
  private static func memoryLimit(stored: Int) -> Int {
    let (inflated, overflows) = stored.multipliedReportingOverflow(by: 1032)
    let physical = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    return overflows ? physical : min(physical, max(inflated, 64 << 20))
  }

  private func values<Element>(_ name: String, _ shape: [Int], _ element: Int, _ limit: Int) throws -> [Element] {
    let (count, _) = Self.product(shape)
    guard count <= limit / MemoryLayout<Element>.size else { throw tooLarge(name, shape) }
    return try [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      try fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]), name, element)
      initialized = count
    }
  }

  private func fill<Element>(_ buffer: UnsafeMutableBufferPointer<Element>, _ name: String, _ element: Int) throws {
    guard !buffer.isEmpty else { return }
    guard dd2_h5_read(handle, name, Int32(element), buffer.baseAddress) == 0 else { throw failure(name) }
  }
}
