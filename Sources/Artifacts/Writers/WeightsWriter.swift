import Foundation

/// The formats of weight files that dd2 writes for other programs.
public enum WeightsFormat: String, CaseIterable, Sendable {
  /// A header in JSON and the elements.
  case safetensors
  /// PyTorch's zip archive, as `torch.load(weights_only=True)` takes it.
  case pytorch

  /// What names of files of the format end in, without the dot.
  public var fileExtension: String { self == .safetensors ? "safetensors" : "pt" }
}

/// Writes named float arrays for other programs.
public enum WeightsWriter {
  /// Writes a file, one array after the other, so that they are never all in memory; a killed process leaves the old file
  /// or the new one.
  /// - Parameters:
  ///   - shapes: the shape of every array by name.
  ///   - elements: the elements of a name, row-major.
  /// - Throws: `ArtifactError.cannotCreate` or `.inputOutput`, and what `elements` throws; what was at `path` is still
  ///   there then.
  public static func write(
    _ shapes: [String: [Int]], format: WeightsFormat, to path: String, elements: (String) throws -> [Float]
  ) throws {
    let file = try TemporaryFile(for: path)
    let arrays = shapes.sorted { $0.key < $1.key }.map { NamedShape(name: $0.key, shape: $0.value) }
    func bytes(_ array: NamedShape) throws -> Data {
      let values = try elements(array.name)
      precondition(values.count == array.count, "WeightsWriter: \(values.count) elements for \(array)")
      return values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) }
    }
    switch format {
    case .safetensors:
      try file.write(SafetensorsWriter.header(arrays))
      for array in arrays { try file.write(try bytes(array)) }
    case .pytorch: try PyTorchWriter.write(arrays, to: file, bytes: bytes)
    }
    try file.commit()
  }

  /// An array without its elements.
  struct NamedShape {
    let name: String
    let shape: [Int]
    var count: Int { shape.reduce(1, *) }
  }
}

/// Files of the safetensors format; see `Safetensors`.
enum SafetensorsWriter {
  /// All that stands before the elements of float32 arrays, which follow in this order without gaps.
  static func header(_ arrays: [WeightsWriter.NamedShape]) throws -> Data {
    struct Entry: Encodable {
      let dtype = "F32"
      let shape: [Int]
      let data_offsets: [Int]
    }
    var end = 0
    var entries: [String: Entry] = [:]
    for array in arrays {
      let start = end
      end += array.count * MemoryLayout<Float>.size
      entries[array.name] = Entry(shape: array.shape, data_offsets: [start, end])
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var text = try encoder.encode(entries)
    // The elements begin at a multiple of 8.
    text += Data(repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
    return Data(littleEndian: UInt64(text.count)) + text
  }
}
