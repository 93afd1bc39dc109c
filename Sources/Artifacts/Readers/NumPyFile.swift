/// A file of NumPy arrays: `.npz`, a zip archive of `.npy` entries, stored or deflated, or a single `.npy`. What kind it
/// is shows in its first bytes.
///
/// Read are bytes, 64-bit integers and floating-point numbers of 32 and 64 bits, little-endian, in C or Fortran order.
/// Arrays of other elements may be there, as long as nobody asks for them. Nothing in the file is executed.
public struct NumPyFile: Sendable {
  /// An array's description.
  public struct Entry: Sendable, Equatable {
    /// Its name in the archive, without `.npy`; that of a single array is `arr_0`.
    public let name: String
    public let type: WeightsFile.ElementType
    /// Extents, slowest axis first.
    public let shape: [Int]
  }

  /// Where the file is.
  public let path: String
  /// The arrays, sorted by name.
  public let entries: [Entry]
  private let headers: [String: NumPyHeader]
  private let bytes: MappedBytes
  /// Nil for a single array.
  private let archive: ZipArchive?

  private static let single = "arr_0"
  private static let suffix = ".npy"

  /// Opens a file and reads the headers of its arrays; no element is read yet.
  ///
  /// Throws `ArtifactError.missingFile`, `.notReadable`, `.wrongFormat` if it is no file of arrays, `.corrupt`,
  /// `.unsupported` for arrays of another version or compression, `.tooLarge`.
  public static func open(_ path: String) throws -> NumPyFile {
    let bytes = MappedBytes(try MappedFile(path))
    let other = FileKind.mismatch(bytes, expected: "no NumPy array")
    switch bytes.int(UInt32.self, at: 0) {
    // Local header; end record of an empty archive.
    case 0x0403_4b50, 0x0605_4b50:
      guard FileKind(bytes) != .pytorch else { throw other }
      return try NumPyFile(bytes, archive: try ZipArchive(bytes))
    default:
      guard FileKind(bytes) == .numPyArray else { throw other }
      return try NumPyFile(bytes, archive: nil)
    }
  }

  private init(_ bytes: MappedBytes, archive: ZipArchive?) throws {
    path = bytes.path
    (self.bytes, self.archive) = (bytes, archive)
    var headers: [String: NumPyHeader] = [:]
    if let archive {
      for full in archive.names where full.hasSuffix(Self.suffix) {
        let name = String(full.dropLast(Self.suffix.count))
        guard let reader = try archive.reader(full) else { continue }
        headers[name] = try NumPyHeader(from: reader, name: name, path: path)
      }
    } else {
      headers[Self.single] = try NumPyHeader(
        from: ByteReader(bytes, name: Self.single), name: Self.single, path: path)
    }
    self.headers = headers
    entries = headers.map { Entry(name: $0.key, type: $0.value.type, shape: $0.value.shape) }
      .sorted { $0.name < $1.name }
  }

  /// The description of an array, nil if there is none of that name.
  public func entry(_ name: String) -> Entry? { entries.first { $0.name == name } }

  /// An array's elements, row-major whatever its order in the file.
  ///
  /// Throws `ArtifactError.missingDataset` if there is no such array, `.unsupported` for other elements than those
  /// above, `.tooLarge` for more than 1 GiB, `.corrupt` if its checksum or its compressed data is wrong, `.inputOutput`
  /// if the file was changed since it was opened.
  public func array(_ name: String) throws -> HostArray {
    let (header, reader) = try start(name)
    if case .other(let type, _) = header.type {
      let kind = type.hasPrefix(">") ? "big-endian elements" : "elements"
      throw ArtifactError.unsupported(
        path: path, detail: "the array \(name.inMessage) holds \(kind) of type \(type.inMessage)")
    }
    let size = reader.count - reader.position
    guard size <= ReaderLimits.arrayBytes else {
      throw ArtifactError.tooLarge(path: path, detail: "the array \(name.inMessage) of \(size) bytes is too large")
    }
    let bytes = try reader.read(size)
    try reader.finish()
    switch header.type {
    case .uint8: return HostArray(shape: header.shape, header.rowMajor(bytes) { (raw: UInt8) in raw })
    case .float32: return HostArray(shape: header.shape, header.rowMajor(bytes) { Float(bitPattern: $0) })
    case .float64: return HostArray(shape: header.shape, header.rowMajor(bytes) { Double(bitPattern: $0) })
    default: return HostArray(shape: header.shape, header.rowMajor(bytes) { (raw: Int64) in raw })
    }
  }

  /// Images (N, h, w, 3) of bytes, to be read one after the other.
  ///
  /// Throws `ArtifactError.missingDataset`, `.wrongFormat` unless it is such an array in C order.
  public func images(_ name: String) throws -> NumPyImages {
    let (header, reader) = try start(name)
    guard header.type == .uint8, !header.isFortranOrder, header.shape.count == 4, header.shape[3] == 3,
      header.shape.allSatisfy({ (1...1 << 30).contains($0) }), header.shape[1] * header.shape[2] <= 1 << 28
    else {
      throw ArtifactError.wrongFormat(
        path: path,
        detail: "the array \(name.inMessage) of shape \(header.shape) and type \(header.type.name) "
          + (header.isFortranOrder ? "in Fortran order " : "") + "holds no images (N, h, w, 3) of bytes")
    }
    return NumPyImages(reader, shape: header.shape)
  }

  private func start(_ name: String) throws -> (NumPyHeader, ByteReader) {
    guard headers[name] != nil,
      let reader = try archive.map({ try $0.reader(name + Self.suffix) }) ?? ByteReader(bytes, name: name)
    else { throw ArtifactError.missingDataset(path: path, name: name.inMessage) }
    return (try NumPyHeader(from: reader, name: name, path: path), reader)
  }
}

/// Images (N, h, w, 3) of bytes in a file of NumPy arrays, read from the first to the last.
public final class NumPyImages {
  /// Number of images.
  public let count: Int
  /// Rows of every image.
  public let height: Int
  /// Columns of every image.
  public let width: Int
  private let reader: ByteReader
  private var read = 0

  fileprivate init(_ reader: ByteReader, shape: [Int]) {
    (count, height, width) = (shape[0], shape[1], shape[2])
    self.reader = reader
  }

  /// The pixels of the next images, `limit` of them unless fewer are left; empty after the last.
  ///
  /// Throws as `NumPyFile.array`; a wrong checksum shows after the last image.
  public func next(_ limit: Int) throws -> [UInt8] {
    let images = min(limit, count - read)
    guard images > 0 else { return [] }
    let bytes = try reader.read(images * height * width * 3)
    read += images
    if read == count { try reader.finish() }
    return bytes
  }

  /// Leaves images out, as far as image `start`, which comes next. Throws as `next`.
  public func skip(to start: Int) throws {
    precondition(start >= read && start <= count, "NumPyImages: image \(start) after \(read) of \(count)")
    while read < start { _ = try next(min(start - read, Self.skippedAtOnce)) }
  }

  private static let skippedAtOnce = 16
}

extension NumPyHeader {
  /// Elements in row-major order. Precondition: as many bytes as the header states.
  fileprivate func rowMajor<Raw: FixedWidthInteger & BitwiseCopyable, Element>(
    _ bytes: [UInt8], _ convert: (Raw) -> Element
  ) -> [Element] {
    let count = bytes.count / MemoryLayout<Raw>.size
    return bytes.withUnsafeBytes { source in
      func element(_ index: Int) -> Element {
        convert(Raw(littleEndian: source.loadUnaligned(fromByteOffset: index * MemoryLayout<Raw>.size, as: Raw.self)))
      }
      guard isFortranOrder, shape.count > 1 else { return (0..<count).map(element) }
      // Steps in the file of one step along each axis.
      var steps = [1]
      for extent in shape.dropLast() { steps.append(steps[steps.count - 1] * extent) }
      return (0..<count).map { index in
        var (rest, position) = (index, 0)
        for axis in shape.indices.reversed() {
          position += rest % shape[axis] * steps[axis]
          rest /= shape[axis]
        }
        return element(position)
      }
    }
  }
}
