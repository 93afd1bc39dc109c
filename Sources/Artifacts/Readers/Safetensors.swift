/// Files of the safetensors format: the header's length, the header in JSON, the elements without gaps.
///
/// Source: https://github.com/huggingface/safetensors, section "Format".
enum Safetensors {
  private static let lengthSize = 8

  /// Whether a file begins as the format does: the header's text opens with a brace.
  static func matches(_ bytes: MappedBytes) -> Bool {
    bytes.int(UInt8.self, at: lengthSize) == Int(UInt8(ascii: "{"))
  }

  /// Throws `ArtifactError.corrupt` or `.tooLarge`.
  static func read(_ bytes: MappedBytes) throws -> WeightsContents {
    guard let length = bytes.int(UInt64.self, at: 0), let header = bytes.slice(at: lengthSize, count: length),
      let body = bytes.slice(at: lengthSize + length, count: bytes.count - lengthSize - length)
    else { throw corrupt(bytes, "the header is longer than the file; the file is probably cut short") }
    guard length <= ReaderLimits.headerBytes else {
      throw ArtifactError.tooLarge(path: bytes.path, detail: "its header claims \(length) bytes")
    }
    var scanner = SafetensorsHeader(header)
    let described = try scanner.tensors()
    try checkExtents(described, in: body)
    var contents = WeightsContents()
    for tensor in described {
      guard contents.tensors.updateValue(try stored(tensor, in: body), forKey: tensor.name) == nil else {
        throw corrupt(bytes, "two tensors are named \(tensor.name.inMessage)")
      }
    }
    if !described.isEmpty {
      let count = described.count
      contents.groups = [WeightsFile.Group(name: "", tensorCount: count, ownTensorCount: count)]
    }
    return contents
  }

  /// The format forbids overlaps, gaps and bytes that belong to no tensor.
  private static func checkExtents(_ tensors: [SafetensorsHeader.Tensor], in body: MappedBytes) throws {
    var end = 0
    for tensor in tensors.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      guard tensor.begin == end, tensor.end >= end else {
        throw corrupt(body, "the tensor \(tensor.name.inMessage) overlaps another or leaves a gap")
      }
      end = tensor.end
    }
    guard end == body.count else {
      throw corrupt(body, "the tensors take \(end) bytes where the file has \(body.count)")
    }
  }

  private static func stored(_ tensor: SafetensorsHeader.Tensor, in body: MappedBytes) throws -> StoredTensor {
    let type = types[tensor.type] ?? .other(tensor.type.inMessage, byteCount: otherSizes[tensor.type])
    guard let content = body.slice(at: tensor.begin, count: tensor.end - tensor.begin),
      content.count.isMultiple(of: type.byteCount ?? 1)
    else { throw corrupt(body, "the tensor \(tensor.name.inMessage) ends inside an element") }
    // Of a type of unknown size, a byte holds eight elements at most.
    guard let count = StridedLayout.count(of: tensor.shape), count <= 8 * content.count else {
      throw corrupt(body, "the tensor \(tensor.name.inMessage) is larger than its part of the file")
    }
    do throws(StridedLayout.Problem) {
      let layout = try type.byteCount.map { size throws(StridedLayout.Problem) in
        try StridedLayout(rowMajor: tensor.shape, storageCount: content.count / size)
      }
      return StoredTensor(
        type: type, shape: tensor.shape, layout: layout, storage: StoredBytes(content, name: tensor.name),
        order: .little)
    } catch {
      throw corrupt(body, "the tensor \(tensor.name.inMessage) \(error.detail)")
    }
  }

  private static let types: [String: WeightsFile.ElementType] = [
    "F64": .float64, "F32": .float32, "F16": .float16, "BF16": .bfloat16, "I64": .int64, "I32": .int32,
    "I16": .int16, "I8": .int8, "U8": .uint8, "BOOL": .bool,
  ]

  /// Bytes of an element of the other types that the format has, but for those of fewer than 8 bits.
  private static let otherSizes = [
    "C64": 8, "U64": 8, "U32": 4, "U16": 2, "F8_E4M3": 1, "F8_E4M3FNUZ": 1, "F8_E5M2": 1, "F8_E5M2FNUZ": 1,
    "F8_E8M0": 1,
  ]

  private static func corrupt(_ bytes: MappedBytes, _ detail: String) -> ArtifactError {
    .corrupt(path: bytes.path, detail: detail)
  }
}
