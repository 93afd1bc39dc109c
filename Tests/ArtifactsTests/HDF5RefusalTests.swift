import Foundation
import TestSupport
import Testing

@testable import Artifacts

/// Files that cannot be read and are not damaged: the message must not send their owner to a backup.
@Suite struct HDF5RefusalTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// Bytes of the given stretches, zeros between them.
  private func file(_ name: String, size: Int, _ stretches: [(Int, String)]) throws -> String {
    var data = Data(count: size)
    for (offset, text) in stretches {
      let bytes = try #require(Data(base64Encoded: text))
      data.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    return try folder.write(data, name)
  }

  /// As h5py 3.16 leaves a file of the newest layout whose process is killed.
  @Test func aFileThatItsWriterDidNotCloseIsCalledOne() throws {
    let path = try file(
      "open.h5", size: 2080,
      [
        (
          0,
          "iUhERg0KGgoDCAgBAAAAAAAAAAD//////////yAIAAAAAAAAMAAAAAAAAADDadSVT0hEUgIAeAISAAAAAP////////////////////8KAgAB"
            + "AAAGDAAAAQABYbMAAAAAAAAAAEg="
        ),
        (
          175,
          "ZHJlSk9IRFICAQABARQAAAIBAQEEAAAAAAAAAAQAAAAAAAAAAwwAARAIAAAIAAAAAABAAAUCAAEDCggSAAADAQAIAAAAAAAAIAAAAAAAAAAA"
            + "uA=="
        ),
        (443, "myzJpA=="), (2056, "AQAAAAAAAAACAAAAAAAAAAM="),
      ])
    let error = artifactError { _ = try HDF5File(reading: path) }
    #expect(error == .leftOpen(path: path))
    #expect(error?.description.contains("h5clear") == true && error?.description.contains("damaged") == false)
  }

  /// As h5py 3.16 writes with its own LZF filter.
  @Test func aMissingFilterIsNamed() throws {
    let path = try file(
      "lzf.h5", size: 2552,
      [
        (
          0,
          "iUhERg0KGgoCCAgAAAAAAAAAAAD///////////gJAAAAAAAAMAAAAAAAAADImMdrT0hEUgIAeAISAAAAAP////////////////////8KAgAB"
            + "AAAGDAAAAQABYbMAAAAAAAAAAEg="
        ),
        (
          175,
          "ZHJlSk9IRFICAQABARQAAAIBAQFAAAAAAAAAAEAAAAAAAAAAAxQAAREgHwAEAAAAAAAgABcIABd/AAAABQIAAQMLCxoAAQIBAH0EAAEAAwBs"
            + "emYABAAAAAUBAAAAAQAACBMAAAMCAr8BAAAAAAAAQAAAAAQAAAAAkQ=="
        ),
        (
          443,
          "DxEHX1RSRUUBAAEA/////////////////////wkAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAO8JAAAAAAAAAAAAAAAAAABAAAAAAAAAAAQ="
        ),
        (2543, "AQAA4PMAAQ=="),
      ])
    let error = artifactError { _ = try HDF5File(reading: path).read("a") }
    #expect(name(of: error) == "unsupported")
    #expect(error?.description.contains("filter 'lzf'") == true, "\(error?.description ?? "")")
  }

  /// As h5py 3.16 writes in the layout of HDF5 2.0, which HDF5 1.10 does not know.
  @Test func aNewerLayoutIsCalledOne() throws {
    let path = try file(
      "newer.h5", size: 2057,
      [
        (
          0,
          "iUhERg0KGgoDCAgAAAAAAAAAAAD//////////wkIAAAAAAAAMAAAAAAAAADfiuxJT0hEUgIAeAISAAAAAP////////////////////8KAgAB"
            + "AAAGDAAAAQABYbMAAAAAAAAAAEg="
        ),
        (
          175,
          "ZHJlSk9IRFICAQABARQAAAIBAQFAAAAAAAAAAEAAAAAAAAAAAxQAAREgHwAEAAAAAAAgABcIABd/AAAABQIAAQMLCxoAAQIBAH0EAAEAAwBs"
            + "emYABAAAAAUBAAAAAQAACBwAAAUCAgIBQAQBCQAAAAAAAAAAAAAAAAgAAAAAAAAAiA=="
        ),
        (443, "nW1KpQ=="), (2048, "AQAA4PMAAQ=="),
      ])
    let error = artifactError { _ = try HDF5File(reading: path).read("a") }
    #expect(name(of: error) == "unsupported")
    #expect(error?.description.contains("layout") == true, "\(error?.description ?? "")")
  }

  /// A truncated file says how it is damaged.
  @Test func damageHasAReason() throws {
    let path = folder.file("whole.h5")
    let writer = try HDF5Writer(path: path)
    try writer.write(HostArray(shape: [1000], [Float](repeating: 1, count: 1000)), to: "a")
    try writer.finish()
    try FileHandle(forWritingTo: URL(fileURLWithPath: path)).truncate(atOffset: 2000)
    let error = artifactError { _ = try HDF5File(reading: path) }
    #expect(name(of: error) == "corrupt")
    #expect(error?.damage?.contains("truncated file") == true, "\(error?.damage ?? "")")
  }
}
