import Foundation
import TestSupport
import Testing

@testable import Artifacts

/// Files that others wrote.
@Suite struct HDF5ForeignTests {
  let folder: TemporaryFolder
  let file: HDF5File

  init() throws {
    folder = try TemporaryFolder()
    file = try HDF5File(reading: try folder.write(ForeignHDF5.data, "foreign.h5"))
  }

  @Test func readsStringsOfBothKinds() throws {
    #expect(
      try file.attributes() == [
        "variable": .string("grüß dich"), "fixed": .string("fixed"), "int": .int(-7), "double": .double(2.5),
      ])
  }

  @Test func convertsToTheNearestKind() throws {
    #expect(try file.read("half") == HostArray(shape: [3], [0.5, -2, 65504] as [Float]))
    #expect(try file.read("bool") == HostArray(shape: [2], [1, 0] as [Int64]))
    #expect(try file.read("int16") == HostArray(shape: [1, 2], [-3, 4] as [Int64]))
    #expect(try file.read("big") == HostArray(shape: [1], [3.5] as [Float]))
    #expect(try file.read("u32") == HostArray(shape: [1], [4_294_967_295] as [Int64]))
    #expect(try file.read("g/inner") == HostArray(shape: [3], [0, 1, 2] as [UInt8]))
  }

  @Test func integersBeyondInt64AreRefusedNotClamped() {
    #expect(name(of: artifactError { _ = try file.read("u64") }) == "corrupt")
  }

  @Test func textIsNotNumbers() {
    #expect(name(of: artifactError { _ = try file.read("text") }) == "unsupported")
  }

  @Test func hugeClaimsAreRefused() throws {
    #expect(try file.shape(of: "claims") == [1 << 50])
    #expect(name(of: artifactError { _ = try file.read("claims") }) == "tooLarge")
    #expect(name(of: artifactError { _ = try file.read("claimsMore") }) == "tooLarge")
  }

  @Test func groupsThatContainThemselvesAreWalkedOnce() throws {
    #expect(try file.datasetNames(under: "/g") == ["/g/inner"])
  }

  @Test func readsGoldens() throws {
    let math = try HDF5File(reading: Goldens.path("golden-math.h5"))
    #expect(try math.read("frechet_12") == HostArray(33.95432520906575))
    let codebook = try math.read("codebook")
    #expect(codebook.shape == [37, 6])
    #expect(codebook.doubles.last == 0.867579996585846)
    #expect(try math.read("adamw_p0").floats.first == -0.24653804)
    let model = try HDF5File(reading: Goldens.path("golden-var.h5"))
    #expect(try model.attributes()["patch_nums"] == .string("[1, 2, 3, 4]"))
    #expect(try model.shape(of: "grad/blocks.0.attn.mat_qkv.weight") == [384, 128])
  }

  @Test func textIsNoHDF5() throws {
    let path = try folder.write(Data("hello".utf8), "text.h5")
    let error = artifactError { _ = try HDF5File(reading: path) }
    #expect(error == .wrongFormat(path: path, detail: "not an HDF5 file"))
    let empty = try folder.write(Data(), "empty.h5")
    #expect(name(of: artifactError { _ = try HDF5File(reading: empty) }) == "wrongFormat")
    #expect(name(of: artifactError { _ = try HDF5File(reading: folder.path) }) == "notReadable")
  }
}
