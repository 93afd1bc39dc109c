import Foundation
import TestSupport
import Testing

@testable import Artifacts

/// Archives, files of the old form and safetensors that are cut short or contradict themselves.
@Suite struct HostileFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func error(_ bytes: [UInt8]) -> ArtifactError? {
    artifactError {
      let file = try WeightsFile.open(try folder.overwrite(bytes, "hostile"))
      for entry in file.entries { _ = try file.array(entry.name) }
    }
  }

  private func zipError(_ change: (inout ZipBytes) -> Void) -> ArtifactError? {
    var zip = WeightsFixture.zip()
    change(&zip)
    return error(zip.bytes)
  }

  @Test func filesCutShortAreRefusedWhereverTheyAreCut() {
    var wide = WeightsFixture.zip()
    wide.isWide = true
    for whole in [WeightsFixture.zip().bytes, wide.bytes, WeightsFixture.legacy(), WeightsFixture.safetensors] {
      #expect(error(whole) == nil)
      for length in 0..<whole.count {
        let found = name(of: error(Array(whole[..<length])))
        #expect(["corrupt", "wrongFormat"].contains(found), "cut at \(length) of \(whole.count)")
      }
    }
  }

  @Test func bytesAfterTheEndAreRefused() {
    for whole in [WeightsFixture.zip().bytes, WeightsFixture.legacy(), WeightsFixture.safetensors] {
      #expect(name(of: error(whole + [0])) == "corrupt")
    }
  }

  @Test func compressedAndEncryptedEntriesAreRefused() {
    let deflated = zipError { $0.entries[3].method = 8 }
    #expect(name(of: deflated) == "unsupported")
    #expect(deflated?.description.contains("is deflated") == true)
    #expect(name(of: zipError { $0.entries[3].method = 93 }) == "unsupported")
    #expect(zipError { $0.entries[3].flags = 1 }?.description.contains("encrypted") == true)
  }

  @Test func contradictionsInZipRecordsAreRefused() {
    let wrong: [(inout ZipBytes) -> Void] = [
      { $0.entries[4].name = $0.entries[3].name },
      { $0.entries[4].start = 0 },
      { $0.entries[4].start = 1 << 30 },
      { $0.entries[3].localName = "small/data/x" },
      { $0.entries[3].checksum = 1 },
      { $0.entries[3].size = 3 },
      { $0.entries[3].name = "small/data/x" },
      { $0.countError = 1 },
      { $0.countError = -1 },
      { $0.directoryError = 1 },
      { $0.directoryError = -1 },
      { $0.directoryError = 1 << 28 },
    ]
    for (number, change) in wrong.enumerated() {
      #expect(name(of: zipError(change)) == "corrupt", "change \(number)")
      let wide = zipError { zip in
        change(&zip)
        zip.isWide = true
      }
      #expect(name(of: wide) == "corrupt", "change \(number), wide")
    }
  }

  /// Where the narrow end record states a number beside the wide one, they must agree.
  @Test func endRecordsThatDisagreeAreRefused() {
    var zip = WeightsFixture.zip()
    zip.isWide = true
    let whole = zip.bytes
    for (position, agreeing) in [(12, littleEndian(UInt16(zip.entries.count))), (8, nil), (14, nil)] {
      var bytes = whole
      bytes.replaceSubrange(bytes.count - position..<bytes.count - position + 2, with: [1, 0])
      #expect(name(of: error(bytes)) == "corrupt")
      if let agreeing {
        bytes.replaceSubrange(bytes.count - position..<bytes.count - position + 2, with: agreeing)
        #expect(error(bytes) == nil)
      }
    }
  }

  /// The directory may say that an entry begins where another does: its bytes would be read twice.
  @Test func overlappingEntriesAreRefused() {
    let inner = ZipBytes(entries: [ZipBytes.Entry(name: "small/data/x", content: [1, 2, 3, 4])]).bytes
    let found = zipError { zip in
      let start = 30 + "small/data.pkl".utf8.count
      zip.entries[0].content = inner
      zip.entries.append(ZipBytes.Entry(name: "small/data/x", content: [1, 2, 3, 4], start: start))
    }
    #expect(found?.description.contains("overlap") == true)
  }

  @Test func otherZipArchivesAreNotTakenForPyTorchs() {
    #expect(name(of: error(ZipBytes(entries: []).bytes)) == "wrongFormat")
    #expect(name(of: zipError { $0.entries[0].name = "data.pkl" }) == "wrongFormat")
    let second = ZipBytes.Entry(name: "other/data.pkl", content: [])
    #expect(name(of: zipError { $0.entries.append(second) }) == "wrongFormat")
    #expect(name(of: zipError { $0.entries[0].content = PickleBytes.program(PickleBytes.int(3)) }) == "wrongFormat")
  }

  @Test func contradictionsInTheOldFormAreRefused() {
    func error(_ change: (inout [WeightsFixture.Storage]) -> Void) -> ArtifactError? {
      var storages = WeightsFixture.storages
      change(&storages)
      return self.error(WeightsFixture.legacy(storages: storages))
    }
    #expect(error { $0.swapAt(0, 4) } == nil)
    #expect(name(of: error { $0.removeLast() }) == "corrupt")
    #expect(name(of: error { $0.append($0[0]) }) == "corrupt")
    #expect(name(of: error { $0[0].bytes += [0, 0, 0, 0] }) == "corrupt")
    #expect(name(of: error { $0[0].bytes.removeLast(4) }) == "corrupt")
    var miscounted = WeightsFixture.legacy()
    miscounted[miscounted.count - WeightsFixture.storages.reduce(0) { $0 + 8 + $1.bytes.count }] -= 1
    #expect(name(of: self.error(miscounted)) == "corrupt")
    let other = WeightsFixture.Storage(key: "x", kind: "Float", elementSize: 4, bytes: [0, 0, 0, 0])
    #expect(name(of: error { $0.append(other) }) == "corrupt")
    let view = PickleBytes.tuple([
      PickleBytes.text("storage"), PickleBytes.global("torch", "FloatStorage"), PickleBytes.text("0"),
      PickleBytes.text("cpu"), PickleBytes.int(6), PickleBytes.tuple([]),
    ])
    let tensor = PickleBytes.tensor(view + Array("Q".utf8), 0, [1], [1])
    #expect(name(of: self.error(WeightsFixture.legacy(PickleBytes.dictionary([("x", tensor)])))) == "unsupported")
    #expect(name(of: self.error(WeightsFixture.legacy(PickleBytes.global("os", "system")))) == "forbiddenGlobal")
  }

  private func safetensorsError(_ header: String, _ count: Int = 8) -> ArtifactError? {
    error(WeightsFixture.safetensors(header: header, body: [UInt8](repeating: 0, count: count)))
  }

  @Test(arguments: [
    #"{"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}"#,
    #"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 9]}}"#,
    #"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}"#,
    #"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}"#,
    #"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}"#,
    #"{"a": {"dtype": "U8", "shape": [7], "data_offsets": [0, 7]}, "b": {"dtype": "U8", "shape": [2], "data_offsets": [6, 8]}}"#,
    #"{"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "a": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}}"#,
    #"{"a": {"dtype": "F32", "dtype": "U8", "shape": [2], "data_offsets": [0, 8]}}"#,
    #"{"a": {"dtype": "F32", "shape": [4294967296, 4294967296, 2], "data_offsets": [0, 8]}}"#,
    #"{"a": {"dtype": "F32", "shape": [99999999999999999999], "data_offsets": [0, 8]}}"#,
    #"{"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}"#,
    #"{"a": {"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]}}"#,
    #"{"a": {"dtype": "F32", "shape": [02], "data_offsets": [0, 8]}}"#,
    #"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0]}}"#,
    #"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 18446744073709551615]}}"#,
    #"{"a": {"dtype": "F32", "shape": [2]}}"#, #"{"a": {"shape": [2], "data_offsets": [0, 8]}}"#,
    #"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], "extra": [[[[]]]]}}"#,
    #"{"a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}"#,
    #"{"a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}}"#,
    #"{"a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]},}"#,
    #"{"a\ud800": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}"#,
    #"{"a\q": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}"#, #"{"__metadata__": {"a": 1}}"#, "{", "{}", "",
  ])
  func wrongHeadersOfSafetensorsAreRefused(header: String) {
    #expect(["corrupt", "wrongFormat"].contains(name(of: safetensorsError(header))))
  }

  @Test func safetensorsOfOtherLengthsAreRefused() {
    for length in [.max, 1 << 62, 1 << 20, 0] as [UInt64] {
      #expect(name(of: error(littleEndian(length) + Array("{}".utf8))) == "corrupt")
    }
    let nested = "{" + String(repeating: #""a": {"#, count: 100_000)
    #expect(name(of: safetensorsError(nested)) == "corrupt")
  }

  @Test func escapesInTheNamesOfSafetensorsAreRead() throws {
    let header = #"{"\u00fc\n\"\ud83d\ude00": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}"#
    let bytes = WeightsFixture.safetensors(header: header, body: [UInt8](repeating: 0, count: 8))
    let file = try WeightsFile.open(try folder.write(Data(bytes), "escapes"))
    #expect(file.entries.map(\.name) == ["ü\n\"😀"])
    #expect(artifactError { _ = try file.array("none\n") }?.description.contains("\n") == false)
  }
}
