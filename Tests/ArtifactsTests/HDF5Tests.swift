import Foundation
import TestSupport
import Testing

@testable import Artifacts

@Suite struct HDF5Tests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func write(_ arrays: [String: HostArray], to name: String = "a.h5") throws -> String {
    let writer = try HDF5Writer(path: folder.file(name))
    for (name, array) in arrays.sorted(by: { $0.key < $1.key }) { try writer.write(array, to: name) }
    try writer.finish()
    return folder.file(name)
  }

  @Test(arguments: [
    HostArray(shape: [2, 3], [1.5, -0.0, .infinity, .leastNonzeroMagnitude, .ulpOfOne, 7] as [Float]),
    HostArray(shape: [2], [Double.pi, Double.leastNonzeroMagnitude]),
    HostArray(shape: [3], [Int64.min, 0, Int64.max]),
    HostArray(shape: [1, 4], [0, 1, 254, 255] as [UInt8]),
    HostArray(2.25 as Double),
    HostArray(-9 as Int64),
    HostArray(shape: [0], [] as [Float]),
    HostArray(shape: [3, 0, 2], [] as [Int64]),
  ])
  func arraysComeBackAsWritten(_ array: HostArray) throws {
    let file = try HDF5File(reading: try write(["/x": array]))
    let found = try file.read("/x")
    #expect(found == array)
    #expect(try file.shape(of: "/x") == array.shape)
  }

  @Test func rowsWrittenOneAfterTheOtherComeBack() throws {
    let shape = [7, 3, 50_001]
    let values = (0..<shape.reduce(1, *)).map { Float($0) * 0.37 }
    let size = 3 * 50_001
    let writer = try HDF5Writer(path: folder.file("rows.h5"))
    try writer.createDataset("deep/x", shape: shape)
    for rows in [2..<5, 0..<2, 6..<7] {
      try writer.write(Array(values[(rows.lowerBound * size)..<(rows.upperBound * size)]), rows: rows, of: "deep/x")
    }
    #expect(name(of: artifactError { try writer.write([Float(1)], rows: 7..<8, of: "deep/x") }) == "inputOutput")
    try writer.finish()
    let found = try HDF5File(reading: folder.file("rows.h5")).read("deep/x")
    let expected = values[..<(5 * size)] + [Float](repeating: 0, count: size) + values[(6 * size)...]
    #expect(found.shape == shape && found.floats == Array(expected))
  }

  @Test func rowsOfIntegersComeBack() throws {
    let values = (0..<40_000).map { Int32($0 * 7 % 65_536) }
    let writer = try HDF5Writer(path: folder.file("rows.h5"))
    try writer.createDataset("narrow", shape: [8000, 5], of: UInt16.self)
    try writer.createDataset("wide", shape: [8000, 5], of: Int32.self)
    for name in ["narrow", "wide"] { try writer.write(values, rows: 0..<8000, of: name) }
    try writer.write([Int32](arrayLiteral: -1, 70_000, 2, 3, 4), rows: 3..<4, of: "wide")
    // Not what is nearest to them.
    for bad in [Int32(-1), 65_536] {
      let row = [0, 0, bad, 0, 0]
      #expect(name(of: artifactError { try writer.write(row, rows: 3..<4, of: "narrow") }) == "inputOutput")
    }
    try writer.createDataset("reals", shape: [3])
    try writer.write(HostArray(shape: [1], [1 << 40] as [Int64]), to: "long")
    try writer.finish()
    let file = try HDF5File(reading: folder.file("rows.h5"))
    #expect(try file.readRows(6001..<6003, of: "narrow") == Array(values[30_005..<30_015]))
    #expect(try file.readRows(0..<8000, of: "narrow") == values)
    #expect(try file.readRows(3..<4, of: "wide") == [-1, 70_000, 2, 3, 4])
    #expect(try file.readRows(5..<5, of: "wide") == [])
    #expect(name(of: artifactError { _ = try file.readRows(0..<1, of: "reals") }) == "wrongFormat")
    #expect(name(of: artifactError { _ = try file.readRows(0..<1, of: "long") }) == "wrongFormat")
    #expect(try file.plausibleShape(of: "narrow") == [8000, 5])
    let size = try #require(try FileAccess.status(folder.file("rows.h5"))?.st_size)
    #expect(size < 40_000 * 2 + 40_000 * 4 + 20_000)
  }

  /// Extents cost a file nothing: it has no byte of this array.
  @Test func arraysOfWhichTheFileHasNothingAreRefused() throws {
    let writer = try HDF5Writer(path: folder.file("claims.h5"))
    try writer.createDataset("none", shape: [1 << 15, 1 << 15])
    try writer.createDataset("some", shape: [1 << 15, 1 << 15], of: UInt16.self)
    try writer.finish()
    let file = try HDF5File(reading: folder.file("claims.h5"))
    #expect(name(of: artifactError { _ = try file.read("none") }) == "tooLarge")
    #expect(name(of: artifactError { _ = try file.readRows(0..<(1 << 15), of: "some") }) == "tooLarge")
    #expect(name(of: artifactError { _ = try file.plausibleShape(of: "some") }) == "tooLarge")
    #expect(try file.contains("") == false)
  }

  @Test func arraysOfManyChunksComeBackAsWritten() throws {
    let shape = [700, 3, 501]
    let values = (0..<shape.reduce(1, *)).map { Float($0) * 0.37 }
    let file = try HDF5File(reading: try write(["/deep/er/x": HostArray(shape: shape, values)]))
    let found = try file.read("deep/er/x")
    #expect(found.floats == values)
  }

  @Test func attributesComeBackAsWritten() throws {
    let writer = try HDF5Writer(path: folder.file("a.h5"))
    let long = String(repeating: "{\"a\": 1}", count: 20_000)
    try writer.createGroup("/g")
    try writer.setAttribute("text", .string("grüß\nGott"))
    try writer.setAttribute("empty", .string(""))
    try writer.setAttribute("long", .string(long))
    try writer.setAttribute("int", .int(.min), of: "/g")
    try writer.setAttribute("double", .double(0.1), of: "/g")
    try writer.finish()
    let file = try HDF5File(reading: folder.file("a.h5"))
    #expect(
      try file.attributes() == ["text": .string("grüß\nGott"), "empty": .string(""), "long": .string(long)])
    #expect(try file.attributes(of: "/g") == ["int": .int(.min), "double": .double(0.1)])
  }

  @Test func listsDatasetsAndGroups() throws {
    let one = HostArray(1 as Int64)
    let file = try HDF5File(reading: try write(["/b/y.weight": one, "/b/c/z": one, "/a": one]))
    #expect(try file.datasetNames() == ["/a", "/b/c/z", "/b/y.weight"])
    #expect(try file.datasetNames(recursive: false) == ["/a"])
    #expect(try file.datasetNames(under: "/b") == ["/b/c/z", "/b/y.weight"])
    #expect(try file.groupNames() == ["/b", "/b/c"])
    #expect(try file.contains("/b/c/z") && !file.contains("/b/d") && !file.contains("/q/d/e"))
  }

  @Test func namesWhatIsMissing() throws {
    let file = try HDF5File(reading: try write(["/a/x": HostArray(1 as Int64)]))
    let path = folder.file("a.h5")
    #expect(artifactError { _ = try file.read("/a/y") } == .missingDataset(path: path, name: "/a/y"))
    #expect(artifactError { _ = try file.read("/b/y") } == .missingDataset(path: path, name: "/b/y"))
    #expect(artifactError { _ = try file.read("/a") } == .missingDataset(path: path, name: "/a"))
    #expect(artifactError { _ = try file.attributes(of: "/q") } == .missingDataset(path: path, name: "/q"))
    let absent = folder.file("absent.h5")
    #expect(artifactError { _ = try HDF5File(reading: absent) } == .missingFile(path: absent))
  }

  @Test(arguments: ["", "/", "a//b", "/a/", "./a", "a/./b"])
  func refusesNamesThatWouldNotComeBack(_ bad: String) throws {
    let writer = try HDF5Writer(path: folder.file("a.h5"))
    for bad in [bad, bad + "\0b"] {
      let error = artifactError { try writer.write(HostArray(1 as Int64), to: bad) }
      #expect(name(of: error) == "invalidName")
    }
  }

  @Test func equalContentsGiveEqualBytes() throws {
    let arrays = ["/a": HostArray(shape: [9], Array(0..<9) as [Int64]), "/g/b": HostArray(0.5 as Double)]
    let first = try contents(try write(arrays, to: "1.h5"))
    Thread.sleep(forTimeInterval: 1.1)
    #expect(try contents(try write(arrays, to: "2.h5")) == first)
  }

  /// Fletcher's sum alone takes these for each other.
  @Test func zerosThatBecameOnesAreFound() throws {
    let values: [Float] = [1234.5, 1234.5] + [Float](repeating: 0, count: 1000)
    var data = try contents(try write(["/x": HostArray(shape: [1002], values)]))
    let pattern = withUnsafeBytes(of: Float(1234.5)) { Data($0) }
    let zeros = try #require(data.range(of: pattern + pattern)).upperBound
    data.replaceSubrange(zeros..<zeros + 512, with: Data(repeating: 0xFF, count: 512))
    let damaged = try HDF5File(reading: try folder.write(data, "damaged.h5"))
    #expect(name(of: artifactError { _ = try damaged.read("/x") }) == "corrupt")
  }

  @Test func everyChunkedDatasetCarriesFletcher32() throws {
    let values = [Float](repeating: 1234.5, count: 1000)
    let path = try write(["/x": HostArray(shape: [1000], values)])
    var data = try contents(path)
    let pattern = withUnsafeBytes(of: Float(1234.5)) { Data($0) }
    let first = try #require(data.range(of: pattern + pattern)).lowerBound
    for offset in stride(from: first, to: first + 4000, by: 97) {
      data[offset] ^= 0x10
      let damaged = try HDF5File(reading: try folder.write(data, "damaged.h5"))
      let error = artifactError { _ = try damaged.read("/x") }
      #expect(name(of: error) == "corrupt", "offset \(offset)")
      data[offset] ^= 0x10
    }
  }

  @Test func theLibraryMayBeUsedFromManyThreads() async throws {
    let values = (0..<5000).map(Float.init)
    let path = try write(["/x": HostArray(shape: [50, 100], values)])
    try await withThrowingTaskGroup(of: [Float].self) { group in
      for _ in 0..<16 { group.addTask { try HDF5File(reading: path).read("/x").floats } }
      for try await found in group { #expect(found == values) }
    }
  }

  @Test func chunksAreWholeRowsNearTheTarget() {
    #expect(HDF5Chunk.shape(for: [], elementSize: 4) == nil)
    #expect(HDF5Chunk.shape(for: [4, 0], elementSize: 4) == nil)
    #expect(HDF5Chunk.shape(for: [10, 3], elementSize: 4) == [10, 3])
    #expect(HDF5Chunk.shape(for: [16384, 1024], elementSize: 4) == [256, 1024])
    #expect(HDF5Chunk.shape(for: [257, 1024], elementSize: 4) == [129, 1024])
    #expect(HDF5Chunk.shape(for: [3, 2, 1 << 20], elementSize: 4) == [1, 1, 1 << 18])
  }
}
