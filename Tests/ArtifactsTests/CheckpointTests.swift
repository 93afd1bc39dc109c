import Foundation
import TestSupport
import Testing

@testable import Artifacts

@Suite struct CheckpointTests {
  let folder: TemporaryFolder
  let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.file("step.h5")
  }

  private var checkpoint: Checkpoint {
    var checkpoint = Checkpoint(
      kind: "generator", config: #"{"width": 64}"#, createdBy: "dd2 0.1",
      metadata: ["command": "dd2 distill --steps 10", "seed": "7"])
    let values = (0..<600).map { Float($0).squareRoot() }
    checkpoint.parameters = [
      "blocks.0.attn.mat_qkv.weight": HostArray(shape: [20, 30], values), "head/bias": HostArray(1.5),
    ]
    checkpoint.ema = ["blocks.0.attn.mat_qkv.weight": HostArray(shape: [20, 30], values.map { -$0 })]
    checkpoint.optimizer = ["adam.m": HostArray(shape: [2], [1, 2] as [Float])]
    checkpoint.progress = ["step": HostArray(41 as Int64)]
    checkpoint.groups["empty"] = [:]
    checkpoint.groups["score"] = ["x": HostArray(shape: [3], [1, 2, 3] as [UInt8])]
    return checkpoint
  }

  @Test func comesBackAsWritten() throws {
    try checkpoint.write(to: path)
    #expect(try Checkpoint.read(from: path) == checkpoint)
    #expect(try Checkpoint.read(from: path, expectingKind: "generator") == checkpoint)
    #expect(try folder.names() == ["step.h5"])
  }

  @Test func arraysMadeOneByOneGiveTheSameFile() throws {
    try checkpoint.write(to: path)
    var rest = checkpoint
    rest.groups["score"] = [:]
    try rest.write(to: folder.file("streamed.h5"), adding: ["score": ["x"]]) { _, name in
      HostArray(shape: [3], [1, 2, 3] as [UInt8])
    }
    #expect(try contents(folder.file("streamed.h5")) == contents(path))
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try rest.write(to: folder.file("other.h5"), adding: ["score": ["x"]]) { _, _ in throw Stop() }
    }
    #expect(try folder.names() == ["step.h5", "streamed.h5"])
  }

  @Test func onlyTheNamedGroupsAreRead() throws {
    try checkpoint.write(to: path)
    let found = try Checkpoint.load(from: path, groups: ["ema"])
    #expect(found.groups == ["ema": checkpoint.ema])
    #expect(found.metadata == checkpoint.metadata)
    let error = artifactError { _ = try Checkpoint.load(from: path, groups: ["emma"]) }
    #expect(error == .missingDataset(path: path, name: "/emma"))
  }

  @Test func anotherKindIsRefusedByName() throws {
    try checkpoint.write(to: path)
    let error = artifactError { _ = try Checkpoint.read(from: path, expectingKind: "score") }
    #expect(
      error == .wrongFormat(path: path, detail: #"a checkpoint of kind "generator", not "score""#))
  }

  @Test func otherFormatsAndNewerLayoutsAreRefused() throws {
    var newer = checkpoint
    newer.version = 2
    try newer.write(to: path)
    #expect(name(of: artifactError { _ = try Checkpoint.read(from: path) }) == "wrongFormat")

    let writer = try HDF5Writer(path: path)
    try writer.setAttribute("format", .string("other"))
    try writer.finish()
    let error = artifactError { _ = try Checkpoint.read(from: path) }
    #expect(error?.description.contains("other") == true)
    #expect(name(of: error) == "wrongFormat")
  }

  @Test func attributesOfTheFormatItselfCannotBeMetadata() {
    var bad = checkpoint
    bad.metadata["kind"] = "score"
    #expect(name(of: artifactError { try bad.write(to: path) }) == "invalidName")
  }

  @Test func aFailedWriteLeavesTheOldFileAndNothingElse() throws {
    try checkpoint.write(to: path)
    let before = try contents(path)
    var bad = checkpoint
    bad.ema["a//b"] = HostArray(1.0)
    #expect(name(of: artifactError { try bad.write(to: path) }) == "invalidName")
    #expect(try contents(path) == before)
    #expect(try folder.names() == ["step.h5"])
  }

  @Test func anUnfinishedWriterLeavesTheOldFileAndNothingElse() throws {
    try checkpoint.write(to: path)
    let before = try contents(path)
    var writer: HDF5Writer? = try HDF5Writer(path: path)
    try writer?.write(HostArray(shape: [1 << 16], [Float](repeating: 1, count: 1 << 16)), to: "x")
    #expect(try folder.names().count == 2)
    #expect(try contents(path) == before)
    writer = nil
    #expect(try folder.names() == ["step.h5"])
    #expect(try contents(path) == before)
  }

  @Test func aMissingFolderCannotTakeAFile() {
    let error = artifactError { try checkpoint.write(to: folder.file("none/step.h5")) }
    #expect(name(of: error) == "cannotCreate")
  }

  @Test func filesCutShortAreRefusedWhereverTheyAreCut() throws {
    try checkpoint.write(to: path)
    let whole = try contents(path)
    for part in 0..<100 {
      let cut = try folder.write(whole.prefix(whole.count * part / 100), "cut.h5")
      let error = artifactError { _ = try Checkpoint.read(from: cut) }
      #expect(["corrupt", "wrongFormat"].contains(name(of: error)), "cut at \(part)%")
    }
    let lastByteMissing = try folder.write(whole.dropLast(), "cut.h5")
    #expect(name(of: artifactError { _ = try Checkpoint.read(from: lastByteMissing) }) == "corrupt")
  }

  /// Metadata and data are all under checksums: a flipped bit is an error, or lies in unused room.
  @Test func aFlippedBitNeverChangesWhatIsRead() throws {
    try checkpoint.write(to: path)
    var data = try contents(path)
    var refused = 0
    for offset in stride(from: 0, to: data.count, by: 11) {
      data[offset] ^= 0x04
      let damaged = try folder.write(data, "damaged.h5")
      let found = Result { try Checkpoint.read(from: damaged) }
      switch found {
      case .success(let found): #expect(found == checkpoint, "offset \(offset)")
      case .failure(let error):
        #expect(error is ArtifactError, "offset \(offset)")
        refused += 1
      }
      data[offset] ^= 0x04
    }
    // 5,000 bytes are weights, of which every eleventh is hit.
    #expect(refused > 450)
  }
}
