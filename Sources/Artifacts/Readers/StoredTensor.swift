/// A tensor as it lies in a mapped file, converted when it is asked for.
struct StoredTensor: Sendable {
  /// The order of the bytes inside an element.
  enum ByteOrder: Sendable {
    case little, big
  }

  let type: WeightsFile.ElementType
  /// Extents, slowest axis first.
  let shape: [Int]
  /// Made for a storage of as many elements as `storage` holds; nil where an element's size is not known.
  let layout: StridedLayout?
  let storage: StoredBytes
  let order: ByteOrder

  /// The elements, row-major; floating-point kinds up to 32 bits as `Float`, integers as `Int64`, bytes and booleans
  /// as `UInt8`, all exactly. Throws as `StoredBytes.verified`, `ArtifactError.corrupt` if a boolean is neither 0 nor 1,
  /// and `.unsupported` for another type.
  func array(named name: String) throws -> HostArray {
    if case .other(let type, _) = type {
      throw ArtifactError.unsupported(path: storage.path, detail: "the tensor \(name.inMessage) is of type \(type)")
    }
    guard let layout else { preconditionFailure("StoredTensor: a type of known size without a layout") }
    let bytes = try storage.verified()
    // A file that is read through once would otherwise end up in this process's memory as a whole.
    defer { if bytes.count >= 1 << 20 { bytes.releasePages() } }
    switch type {
    case .float64: return HostArray(shape: layout.shape, gather(bytes, layout) { Double(bitPattern: $0) })
    case .float32: return HostArray(shape: layout.shape, gather(bytes, layout) { Float(bitPattern: $0) })
    case .float16: return HostArray(shape: layout.shape, gather(bytes, layout) { Float(Float16(bitPattern: $0)) })
    case .bfloat16:
      return HostArray(
        shape: layout.shape, gather(bytes, layout) { (raw: UInt16) in Float(bitPattern: UInt32(raw) << 16) })
    case .int64: return HostArray(shape: layout.shape, gather(bytes, layout) { (raw: Int64) in raw })
    case .int32: return HostArray(shape: layout.shape, gather(bytes, layout) { (raw: Int32) in Int64(raw) })
    case .int16: return HostArray(shape: layout.shape, gather(bytes, layout) { (raw: Int16) in Int64(raw) })
    case .int8: return HostArray(shape: layout.shape, gather(bytes, layout) { (raw: Int8) in Int64(raw) })
    case .uint8: return HostArray(shape: layout.shape, gather(bytes, layout) { (raw: UInt8) in raw })
    case .bool:
      let values = gather(bytes, layout) { (raw: UInt8) in raw }
      guard values.allSatisfy({ $0 <= 1 }) else {
        throw ArtifactError.corrupt(
          path: bytes.path, detail: "\(name.inMessage) holds booleans that are neither 0 nor 1")
      }
      return HostArray(shape: layout.shape, values)
    case .other: preconditionFailure("StoredTensor: refused above")
    }
  }

  private func gather<Raw: FixedWidthInteger & BitwiseCopyable, Element>(
    _ bytes: MappedBytes, _ layout: StridedLayout, _ convert: (Raw) -> Element
  ) -> [Element] {
    let size = MemoryLayout<Raw>.size
    precondition(layout.end <= bytes.count / size, "StoredTensor: layout of another storage")
    return bytes.withUnsafeBytes { source in
      [Element](unsafeUninitializedCapacity: layout.count) { target, filled in
        layout.forEachRun { start, step, length in
          for index in 0..<length {
            let raw = source.loadUnaligned(fromByteOffset: (start + index * step) * size, as: Raw.self)
            let ordered = order == .little ? Raw(littleEndian: raw) : Raw(bigEndian: raw)
            target.initializeElement(at: filled, to: convert(ordered))
            filled += 1
          }
        }
      }
    }
  }
}
