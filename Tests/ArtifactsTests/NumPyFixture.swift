import Foundation
import TestSupport

/// NumPy arrays and archives, made by hand.
enum NumPyFixture {
  /// A `.npy` file.
  static func array(
    _ descr: String, _ shape: String, fortran: Bool = false, version: UInt8 = 1, _ elements: [UInt8]
  ) -> [UInt8] {
    let header = "{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }  \n"
    return array(header: header, version: version, elements)
  }

  /// A `.npy` file with any text for its header.
  static func array(header: String, version: UInt8 = 1, _ elements: [UInt8]) -> [UInt8] {
    let count = header.utf8.count
    let length = version == 1 ? littleEndian(UInt16(count)) : littleEndian(UInt32(count))
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(header.utf8) + elements
  }

  /// Bytes of Doubles.
  static func doubles(_ values: [Double]) -> [UInt8] { values.flatMap { littleEndian($0.bitPattern) } }

  /// Numbers 0 to 11 as float32, (3, 4), deflated by Python's zlib.
  static let deflated = [UInt8](
    Data(
      base64Encoded: """
        m+wX6hsQychQxlCtnpJanFykbqWgbpNmoq6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaxjoKJpo6CrUKZA
        MuBjBosAcSDkAExA1AvACIDwDxAyBmcGRgEABiBSA2cAQA
        """, options: .ignoreUnknownCharacters) ?? Data())
  /// Length and checksum of what it stands for.
  static let inflatedCount = 176
  static let inflatedChecksum: UInt32 = 0x26226F2D

  /// An archive of a stored and a deflated array.
  static var archive: ZipBytes {
    var packed = ZipBytes.Entry(name: "packed.npy", content: deflated)
    (packed.method, packed.size, packed.checksum) = (8, inflatedCount, inflatedChecksum)
    let stored = ZipBytes.Entry(name: "mu.npy", content: array("<f8", "(2, 3)", doubles([0, 1, 2, 3, 4, 5])))
    return ZipBytes(entries: [stored, packed])
  }
}
