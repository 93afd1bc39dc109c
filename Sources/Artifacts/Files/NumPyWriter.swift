import Foundation

/// Writes `.npz` files that NumPy reads: a zip archive of uncompressed arrays of 64-bit floating-point numbers.
public enum NumPyWriter {
  private static let versionNeeded: UInt16 = 20

  /// Writes arrays under their names, in the order given, in one piece.
  ///
  /// Precondition: below 4 GiB together. Throws as `AtomicFile.write`.
  public static func write(_ arrays: [(name: String, shape: [Int], elements: [Double])], to path: String) throws {
    var file = Data()
    var directory = Data()
    for (name, shape, elements) in arrays {
      precondition(elements.count == shape.reduce(1, *), "NumPyWriter: \(elements.count) elements for \(shape)")
      let contents = array(shape, elements)
      let start = file.count
      let entry = Data((name + ".npy").utf8)
      let sizes =
        word(contents.withUnsafeBytes { CRC32.checksum($0) }) + word(UInt32(contents.count))
        + word(UInt32(contents.count)) + half(UInt16(entry.count)) + half(0)
      // No flags, stored, and the first date that the format knows.
      let common = half(versionNeeded) + half(0) + half(0) + half(0) + half(0x21) + sizes
      file += word(0x0403_4b50) + common + entry + contents
      directory +=
        word(0x0201_4b50) + half(versionNeeded) + common + half(0) + half(0) + half(0) + word(0)
        + word(UInt32(start)) + entry
    }
    let end =
      word(0x0605_4b50) + half(0) + half(0) + half(UInt16(arrays.count)) + half(UInt16(arrays.count))
      + word(UInt32(directory.count)) + word(UInt32(file.count)) + half(0)
    try AtomicFile.write(file + directory + end, to: path)
  }

  /// A `.npy` file of version 1.
  private static func array(_ shape: [Int], _ elements: [Double]) -> Data {
    let extents = shape.map { "\($0)," }.joined(separator: " ")
    var header = "{'descr': '<f8', 'fortran_order': False, 'shape': (\(extents)), }"
    // The elements begin at a multiple of 64.
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    let start = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    let values = elements.map { $0.bitPattern.littleEndian }.withUnsafeBytes { Data($0) }
    return start + half(UInt16(header.utf8.count)) + Data(header.utf8) + values
  }

  private static func half(_ value: UInt16) -> Data { withUnsafeBytes(of: value.littleEndian) { Data($0) } }
  private static func word(_ value: UInt32) -> Data { withUnsafeBytes(of: value.littleEndian) { Data($0) } }
}
