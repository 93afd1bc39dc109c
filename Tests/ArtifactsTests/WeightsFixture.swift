import Foundation
import TestSupport

@testable import Artifacts

/// A small file of weights in every format, with all element types, shared storage and strides.
enum WeightsFixture {
  /// A storage's bytes with the name of PyTorch's type.
  struct Storage {
    let key: String
    let kind: String
    let elementSize: Int
    var bytes: [UInt8]

    var count: Int { bytes.count / elementSize }
  }

  static let storages: [Storage] = [
    Storage(key: "0", kind: "Float", elementSize: 4, bytes: [1, 2, 3, 4, 5, 6].flatMap { float($0) }),
    Storage(key: "1", kind: "Long", elementSize: 8, bytes: [-1, 7, 1 << 60].flatMap { littleEndian($0) }),
    Storage(key: "2", kind: "Half", elementSize: 2, bytes: sixteen([0x3C00, 0xC000, 0x7BFF])),
    Storage(key: "3", kind: "BFloat16", elementSize: 2, bytes: sixteen([0x3FC0, 0xFF80])),
    Storage(key: "4", kind: "Double", elementSize: 8, bytes: littleEndian((0.1).bitPattern)),
    Storage(key: "5", kind: "Int", elementSize: 4, bytes: littleEndian(Int32(-5))),
    Storage(key: "6", kind: "Byte", elementSize: 1, bytes: [200, 0]),
    Storage(key: "7", kind: "Bool", elementSize: 1, bytes: [1, 0, 1]),
    Storage(key: "8", kind: "Short", elementSize: 2, bytes: littleEndian(Int16(-300))),
    Storage(key: "9", kind: "Char", elementSize: 1, bytes: [0xFE]),
    Storage(key: "10", kind: "Float", elementSize: 4, bytes: []),
  ]

  /// Name, storage, offset, shape, strides.
  static let tensors: [(String, Int, Int, [Int], [Int])] = [
    ("weight", 0, 0, [2, 3], [3, 1]), ("tied", 0, 0, [3, 2], [1, 3]), ("row", 0, 3, [1, 3], [77, 1]),
    ("everyOther", 0, 1, [3], [2]), ("repeated", 0, 4, [2, 2], [0, 1]), ("windows", 0, 0, [2, 3, 2], [1, 1, 2]),
    ("scalar", 0, 5, [], []), ("long", 1, 0, [3], [1]), ("half", 2, 0, [3], [1]), ("brain", 3, 0, [2], [1]),
    ("double", 4, 0, [1], [1]), ("int", 5, 0, [1, 1], [1, 1]), ("byte", 6, 0, [2], [1]), ("bool", 7, 0, [3], [1]),
    ("short", 8, 0, [1], [1]), ("char", 9, 0, [1], [1]), ("empty", 10, 0, [0, 4], [4, 1]),
  ]

  /// What the tensors hold.
  static let expected: [String: HostArray] = [
    "weight": HostArray(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float]),
    "tied": HostArray(shape: [3, 2], [1, 4, 2, 5, 3, 6] as [Float]),
    "row": HostArray(shape: [1, 3], [4, 5, 6] as [Float]),
    "everyOther": HostArray(shape: [3], [2, 4, 6] as [Float]),
    "repeated": HostArray(shape: [2, 2], [5, 6, 5, 6] as [Float]),
    "windows": HostArray(shape: [2, 3, 2], [1, 3, 2, 4, 3, 5, 2, 4, 3, 5, 4, 6] as [Float]),
    "scalar": HostArray(shape: [], [6] as [Float]),
    "long": HostArray(shape: [3], [-1, 7, 1 << 60] as [Int64]),
    "half": HostArray(shape: [3], [1, -2, 65504] as [Float]),
    "brain": HostArray(shape: [2], [1.5, -.infinity] as [Float]),
    "double": HostArray(shape: [1], [0.1] as [Double]),
    "int": HostArray(shape: [1, 1], [-5] as [Int64]),
    "byte": HostArray(shape: [2], [200, 0] as [UInt8]),
    "bool": HostArray(shape: [3], [1, 0, 1] as [UInt8]),
    "short": HostArray(shape: [1], [-300] as [Int64]),
    "char": HostArray(shape: [1], [-2] as [Int64]),
    "empty": HostArray(shape: [0, 4], [] as [Float]),
  ]

  private static func sixteen(_ patterns: [UInt16]) -> [UInt8] { patterns.flatMap(littleEndian) }

  static func float(_ value: Float) -> [UInt8] { littleEndian(value.bitPattern) }

  /// The dictionary of all tensors.
  static func dictionary(isOld: Bool = false) -> [UInt8] {
    PickleBytes.dictionary(
      tensors.map { name, index, offset, shape, strides in
        let storage = storages[index]
        let stored = PickleBytes.storage(storage.kind, storage.key, storage.count, isOld: isOld)
        return (name, PickleBytes.tensor(stored, offset, shape, strides))
      })
  }

  /// A file of PyTorch 1.6 or newer around the pickle of `body`.
  static func zip(_ body: [UInt8] = dictionary(), storages: [Storage] = storages, order: String? = "little") -> ZipBytes
  {
    zip(pickle: PickleBytes.program(body), storages: storages, order: order)
  }

  static func zip(pickle: [UInt8], storages: [Storage] = storages, order: String? = "little") -> ZipBytes {
    var zip = ZipBytes(entries: [ZipBytes.Entry(name: "small/data.pkl", content: pickle)])
    if let order { zip.entries.append(ZipBytes.Entry(name: "small/byteorder", content: Array(order.utf8))) }
    zip.entries += storages.map { ZipBytes.Entry(name: "small/data/\($0.key)", content: $0.bytes) }
    return zip
  }

  /// A file of before PyTorch 1.6 around the pickle of `body`.
  static func legacy(_ body: [UInt8] = dictionary(isOld: true), storages: [Storage] = storages) -> [UInt8] {
    let magic: [UInt8] = [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    let machine = PickleBytes.dictionary([("protocol_version", PickleBytes.int(1001)), ("little_endian", [0x88])])
    let keys = PickleBytes.list(storages.map { PickleBytes.text($0.key) })
    let pickles = [magic, PickleBytes.int(1001), machine, body, keys].flatMap(PickleBytes.program)
    return pickles + storages.flatMap { littleEndian($0.count) + $0.bytes }
  }

  /// A safetensors file of the tensors that take a whole storage in order.
  static var safetensors: [UInt8] {
    let types = [
      "Float": "F32", "Long": "I64", "Half": "F16", "BFloat16": "BF16", "Double": "F64", "Int": "I32", "Byte": "U8",
      "Bool": "BOOL", "Short": "I16", "Char": "I8",
    ]
    var body: [UInt8] = []
    var members = [#""__metadata__": {"format": "pt"}"#]
    for (name, index, offset, shape, _) in tensors where offset == 0 && !["tied", "windows"].contains(name) {
      let storage = storages[index]
      let range = "[\(body.count), \(body.count + storage.bytes.count)]"
      let type = types[storage.kind] ?? ""
      members.append(#""\#(name)": {"dtype": "\#(type)", "shape": \#(shape), "data_offsets": \#(range)}"#)
      body += storage.bytes
    }
    return safetensors(header: "{" + members.joined(separator: ", ") + "}  ", body: body)
  }

  /// A safetensors file with any header.
  static func safetensors(header: String, body: [UInt8]) -> [UInt8] {
    littleEndian(header.utf8.count) + Array(header.utf8) + body
  }
}
