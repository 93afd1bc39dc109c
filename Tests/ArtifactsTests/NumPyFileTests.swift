import Foundation
import TestSupport
import Testing

@testable import Artifacts

@Suite struct NumPyFileTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func open(_ bytes: [UInt8], _ name: String = "a") throws -> NumPyFile {
    try NumPyFile.open(try folder.overwrite(bytes, name))
  }

  @Test(arguments: [false, true]) func archives(isWide: Bool) throws {
    var archive = NumPyFixture.archive
    archive.isWide = isWide
    let file = try open(archive.bytes)
    #expect(file.entries.map(\.name) == ["mu", "packed"])
    #expect(try file.array("mu") == HostArray(shape: [2, 3], [0.0, 1, 2, 3, 4, 5]))
    #expect(try file.array("packed") == HostArray(shape: [3, 4], (0..<12).map { Float($0) }))
    #expect(name(of: artifactError { _ = try file.array("sigma") }) == "missingDataset")
  }

  @Test(arguments: [1, 2, 3] as [UInt8]) func versionsAndTypes(version: UInt8) throws {
    let bytes = try open(NumPyFixture.array("|u1", "(2,)", version: version, [7, 255])).array("arr_0")
    #expect(bytes == HostArray(shape: [2], [7, 255] as [UInt8]))
    let integers = littleEndian(UInt64(bitPattern: -3)) + littleEndian(UInt64(9))
    let signed = try open(NumPyFixture.array("<i8", "(2, 1L)", version: version, integers)).array("arr_0")
    #expect(signed == HostArray(shape: [2, 1], [-3, 9] as [Int64]))
    let scalar = try open(NumPyFixture.array("<f8", "()", version: version, NumPyFixture.doubles([2.5]))).array("arr_0")
    #expect(scalar == HostArray(shape: [], [2.5]))
  }

  /// Whatever else is in the archive, what is asked for is read; the rest is an error only for who asks.
  @Test func arraysOfAnyTypeMayStandBeside() throws {
    let file = try open(NumPyFixture.mixed)
    #expect(try file.images("arr_0").next(2) == (0..<24).map { UInt8($0) })
    #expect(try file.array("mu") == HostArray(shape: [3], [0.0, 1, 2]))
    #expect(file.entries.count == 12 && file.entry("arr_1")?.shape == [2])
    for (array, type) in [
      ("arr_1", "<i4"), ("flags", "|b1"), ("text", "<U2"), ("objects", "|O"), ("records", "records"), ("big", ">f8"),
      ("when", "<M8[D]"), ("half", "<f2"), ("raw", "|V3"), ("huge", "<c16"),
    ] {
      let error = artifactError { _ = try file.array(array) }
      #expect(name(of: error) == "unsupported", "\(array)")
      #expect(error?.description.contains("\"\(array)\"") == true && error?.description.contains(type) == true)
      #expect(name(of: artifactError { _ = try file.images(array) }) == "wrongFormat", "\(array)")
    }
    let nested = "{'descr': " + String(repeating: "[(", count: 15_000) + String(repeating: ")]", count: 15_000)
    let deep = NumPyFixture.array(header: nested + ", 'fortran_order': False, 'shape': (1,)}", version: 2, [0])
    #expect(try open(deep).entry("arr_0")?.type == .other("records", byteCount: nil))
  }

  @Test func fortranOrder() throws {
    // Columns first in the file.
    let stored = NumPyFixture.doubles([0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11])
    let array = try open(NumPyFixture.array("<f8", "(2, 3, 2)", fortran: true, stored)).array("arr_0")
    #expect(array == HostArray(shape: [2, 3, 2], (0..<12).map { Double($0) }))
  }

  @Test(arguments: [">f8", ">i8", "|O", "<f2", "<U3", "<c8", "=f8"]) func otherElementsAreRefused(descr: String) {
    let error = artifactError {
      _ = try open(NumPyFixture.array(descr, "(1,)", [0, 0, 0, 0, 0, 0, 0, 0])).array("arr_0")
    }
    #expect(name(of: error) == "unsupported")
    #expect(error?.description.contains("big-endian") == descr.hasPrefix(">"))
  }

  @Test(arguments: [
    "{'descr': '<f8', 'fortran_order': False}", "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'x': 1}",
    "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}", "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} x",
    "{'descr': '<f8' 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999999999999,)}", "", "{", "(1,)",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999999999, 999999999999999999)}",
    "{'descr': [('a', '<f8'], 'fortran_order': False, 'shape': (1,)}",
    "{'descr': [('a\\', '<f8')], 'fortran_order': False, 'shape': (1,)}", "{'descr': [[[",
  ])
  func damagedHeadersAreRefused(header: String) {
    let file = NumPyFixture.array(header: header, NumPyFixture.doubles([1]))
    #expect(name(of: artifactError { _ = try open(file) }) == "corrupt")
  }

  @Test func hostileSizesAreRefusedBeforeAnythingIsAllocated() {
    var archive = NumPyFixture.archive
    archive.entries[1].size = 1 << 31
    #expect(name(of: artifactError { _ = try open(archive.bytes) }) == "corrupt")
    let header = NumPyFixture.array(header: "", version: 2, [])
    let claim = Array(header.prefix(8)) + [0xFF, 0xFF, 0xFF, 0x7F]
    #expect(name(of: artifactError { _ = try open(claim) }) == "tooLarge")
  }

  @Test func wrongChecksumsAndCutStreamsAreErrors() throws {
    for damage in 0..<3 {
      var archive = NumPyFixture.archive
      switch damage {
      case 0: archive.entries[0].checksum = 1
      case 1: archive.entries[1].checksum = 1
      default: archive.entries[1].content.removeLast(12)
      }
      let file = try? open(archive.bytes)
      let error = artifactError { _ = try file?.array(damage == 0 ? "mu" : "packed") }
      #expect(name(of: error) == "corrupt", "\(damage)")
    }
  }

  @Test func imagesComeOneAfterTheOther() throws {
    let pixels = (0..<5 * 2 * 3 * 3).map { UInt8($0) }
    let images = try open(NumPyFixture.array("|u1", "(5, 2, 3, 3)", pixels)).images("arr_0")
    #expect(images.count == 5 && images.height == 2 && images.width == 3)
    #expect(try images.next(2) == Array(pixels[..<36]))
    #expect(try images.next(9) == Array(pixels[36...]))
    #expect(try images.next(9) == [])
    let some = try open(NumPyFixture.array("|u1", "(5, 2, 3, 3)", pixels)).images("arr_0")
    try some.skip(to: 1)
    #expect(try some.next(1) == Array(pixels[18..<36]))
    try some.skip(to: 4)
    #expect(try some.next(2) == Array(pixels[72...]))
    for (descr, shape) in [("|u1", "(6, 3, 5)"), ("|u1", "(9, 2, 5, 1)"), ("|u1", "(0, 2, 3, 3)")] {
      let count = shape.contains("(0") ? 0 : 90
      let other = try open(NumPyFixture.array(descr, shape, [UInt8](repeating: 0, count: count)), "other")
      #expect(name(of: artifactError { _ = try other.images("arr_0") }) == "wrongFormat", "\(shape)")
    }
  }

  @Test func writtenFilesComeBack() throws {
    let path = folder.file("w.npz")
    try NumPyWriter.write([("mu", [3], [1, -2, 3e300]), ("sigma", [1, 2], [0.1, 5])], to: path)
    let file = try NumPyFile.open(path)
    #expect(try file.array("mu") == HostArray(shape: [3], [1, -2, 3e300]))
    #expect(try file.array("sigma") == HostArray(shape: [1, 2], [0.1, 5]))
  }
}
