import Foundation

/// Writes `.npz` files that NumPy reads: a zip archive of uncompressed arrays of 64-bit floating-point numbers.
public enum NumPyWriter {
  /// Writes arrays under their names, in the order given.
  ///
  /// Throws as `AtomicFile.write`.
  public static func write(_ arrays: [(name: String, shape: [Int], elements: [Double])], to path: String) throws {
    let file = try TemporaryFile(for: path)
    var archive = ZipWriter(file)
    for (name, shape, elements) in arrays {
      precondition(elements.count == shape.reduce(1, *), "NumPyWriter: \(elements.count) elements for \(shape)")
      try archive.add(name + ".npy", array(shape, elements))
    }
    try archive.finish()
    try file.commit()
  }

  /// A `.npy` file of version 1.
  private static func array(_ shape: [Int], _ elements: [Double]) -> Data {
    let extents = shape.map { "\($0)," }.joined(separator: " ")
    var header = "{'descr': '<f8', 'fortran_order': False, 'shape': (\(extents)), }"
    // The elements begin at a multiple of 64.
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    let start = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    let values = elements.map { $0.bitPattern.littleEndian }.withUnsafeBytes { Data($0) }
    return start + Data(littleEndian: UInt16(header.utf8.count)) + Data(header.utf8) + values
  }
}
