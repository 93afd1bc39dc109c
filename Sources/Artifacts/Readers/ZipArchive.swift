/// A zip archive of either width, mapped: PyTorch's `.pth` and NumPy's `.npz` are such. Opening it checks that the
/// entries have different names, lie inside the file and do not overlap.
struct ZipArchive: Sendable {
  private struct Item: Sendable {
    let entry: ZipEntry
    let payload: MappedBytes
  }

  /// Where the archive is.
  let path: String
  private var items: [String: Item] = [:]

  /// Throws `ArtifactError.corrupt`, `.unsupported` or `.tooLarge`.
  init(_ archive: MappedBytes) throws {
    path = archive.path
    let directory = try ZipDirectory(of: archive)
    var position = 0
    var extents: [Range<Int>] = []
    for index in 0..<directory.count {
      guard let (entry, next) = ZipEntry.read(from: directory.bytes, at: position) else {
        throw corrupt("entry \(index) of the zip directory is damaged")
      }
      guard let payload = entry.payload(in: archive), payload.start + payload.count <= directory.start else {
        throw corrupt("the zip entry \(entry.name.inMessage) contradicts its header or reaches outside the file")
      }
      guard items.updateValue(Item(entry: entry, payload: payload), forKey: entry.name) == nil else {
        throw corrupt("the zip archive holds \(entry.name.inMessage) twice")
      }
      extents.append(entry.header..<payload.start + payload.count)
      position = next
    }
    guard position == directory.bytes.count else { throw corrupt("the zip directory has another length than stated") }
    extents.sort { $0.lowerBound < $1.lowerBound }
    guard zip(extents, extents.dropFirst()).allSatisfy({ $0.upperBound <= $1.lowerBound }) else {
      throw corrupt("entries of the zip archive overlap")
    }
  }

  /// The names of the entries, in no order.
  var names: some Collection<String> { items.keys }

  /// Whether an entry is a program.
  func isExecutable(_ name: String) -> Bool { items[name]?.entry.isExecutable == true }

  /// The contents of an entry that is stored as it is, nil if there is no such entry.
  ///
  /// Throws `ArtifactError.unsupported` if it is compressed or encrypted, `.corrupt` if its sizes contradict.
  func stored(_ name: String) throws -> StoredBytes? {
    guard let item = items[name] else { return nil }
    guard item.entry.flags & 1 != 0 || item.entry.method == 0 else { throw compressed(item.entry) }
    try check(item)
    return StoredBytes(item.payload, checksum: UInt32(truncatingIfNeeded: item.entry.checksum), name: name)
  }

  /// The contents of an entry, stored or deflated, from the beginning; nil if there is no such entry.
  ///
  /// Throws `ArtifactError.unsupported` if it is compressed otherwise or encrypted, `.corrupt` if its sizes contradict.
  func reader(_ name: String) throws -> ByteReader? {
    guard let item = items[name] else { return nil }
    try check(item)
    let checksum = UInt32(truncatingIfNeeded: item.entry.checksum)
    return item.entry.method == 0
      ? ByteReader(item.payload, checksum: checksum, name: name)
      : try ByteReader(deflated: item.payload, size: item.entry.size, checksum: checksum, name: name)
  }

  /// Throws unless the entry can be read and its two sizes can both be right.
  private func check(_ item: Item) throws {
    let entry = item.entry
    guard entry.flags & 1 == 0 else {
      throw ArtifactError.unsupported(path: path, detail: "the zip entry \(entry.name.inMessage) is encrypted")
    }
    switch entry.method {
    case 0 where entry.size == item.payload.count: return
    // Divided, not multiplied: sizes of the archive may be any.
    case 8 where entry.size / ReaderLimits.deflateRatio <= item.payload.count: return
    case 0, 8: throw corrupt("the zip entry \(entry.name.inMessage) states two sizes")
    default: throw compressed(entry)
    }
  }

  private func compressed(_ entry: ZipEntry) -> ArtifactError {
    let kind = entry.method == 8 ? "deflated" : "compressed (method \(entry.method))"
    return .unsupported(path: path, detail: "the zip entry \(entry.name.inMessage) is \(kind)")
  }

  private func corrupt(_ detail: String) -> ArtifactError { .corrupt(path: path, detail: detail) }
}
