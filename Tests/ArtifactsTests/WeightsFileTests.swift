import Foundation
import TestSupport
import Testing

@testable import Artifacts

/// Sound files: what they hold, in every format.
@Suite struct WeightsFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ bytes: [UInt8]) throws -> WeightsFile {
    try WeightsFile.open(try folder.write(Data(bytes), "weights-\(bytes.count)"))
  }

  private func contents(_ file: WeightsFile) throws -> [String: HostArray] {
    try Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, try file.array($0.name)) })
  }

  @Test func everyElementTypeAndLayoutIsReadFromBothFormsOfPyTorch() throws {
    let new = try open(WeightsFixture.zip().bytes)
    #expect(new.format == .pytorch)
    #expect(try contents(new) == WeightsFixture.expected)
    let old = try open(WeightsFixture.legacy())
    #expect(old.format == .pytorchLegacy)
    #expect(try contents(old) == WeightsFixture.expected)
    #expect(old.entries == new.entries)
    #expect(new.entries.map(\.name) == WeightsFixture.expected.keys.sorted())
    #expect(new.entry("brain") == WeightsFile.Entry(name: "brain", type: .bfloat16, shape: [2]))
    #expect(try new.array("long").floats == [-1, 7, 0x1p60])
    #expect(new.entry("none") == nil)
    #expect(name(of: artifactError { _ = try new.array("none") }) == "missingDataset")
  }

  @Test func wideZipRecordsAndMissingByteOrderAreRead() throws {
    var zip = WeightsFixture.zip(order: nil)
    zip.isWide = true
    #expect(try contents(open(zip.bytes)) == WeightsFixture.expected)
  }

  @Test func bigEndianStoragesAreTurned() throws {
    let turned = WeightsFixture.storages.map { storage in
      let size = storage.elementSize
      let starts = stride(from: 0, to: storage.bytes.count, by: size)
      let bytes = starts.flatMap { storage.bytes[$0..<$0 + size].reversed() }
      return WeightsFixture.Storage(key: storage.key, kind: storage.kind, elementSize: size, bytes: bytes)
    }
    #expect(try contents(open(WeightsFixture.zip(storages: turned, order: "big").bytes)) == WeightsFixture.expected)
    let error = artifactError { _ = try open(WeightsFixture.zip(order: "middle").bytes) }
    #expect(name(of: error) == "corrupt")
  }

  @Test func safetensorsAreRead() throws {
    let file = try open(WeightsFixture.safetensors)
    #expect(file.format == .safetensors)
    let names = [
      "bool", "brain", "byte", "char", "double", "empty", "half", "int", "long", "short", "weight",
    ]
    #expect(file.entries.map(\.name) == names)
    #expect(try contents(file) == WeightsFixture.expected.filter { names.contains($0.key) })
    #expect(try file.stateDictionary().entries == file.entries)
  }

  @Test(arguments: 2...5) func picklesOfCPythonAreRead(version: Int) throws {
    let pickle = try #require(ForeignPickles.base64[version].flatMap { Data(base64Encoded: $0) })
    let file = try open(WeightsFixture.zip(pickle: [UInt8](pickle)).bytes)
    #expect(file.entries.count == 4)
    #expect(try file.array("optimizer.state.0.exp_avg") == HostArray(shape: [3], [4, 5, 6] as [Float]))
    let model = try file.stateDictionary()
    #expect(
      try contents(model) == [
        "layer.weight": HostArray(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float]),
        "layer.tied": HostArray(shape: [3, 2], [1, 4, 2, 5, 3, 6] as [Float]),
        "steps": HostArray(shape: [2], [7, 1 << 60] as [Int64]),
      ])
  }

  @Test func stateDictionariesAreFoundByTheirCustomaryPlaces() throws {
    let tensors = WeightsFixture.dictionary()
    func file(_ items: [(String, [UInt8])]) throws -> WeightsFile {
      try open(WeightsFixture.zip(PickleBytes.dictionary(items)).bytes)
    }
    let bare = try open(WeightsFixture.zip().bytes).stateDictionary()
    #expect(bare.location.isEmpty)
    for place in ["model", "module", "state_dict", "ema"] {
      let found = try file([(place, tensors), ("steps", PickleBytes.int(3))]).stateDictionary()
      #expect(found.location == place)
      #expect(try contents(found) == WeightsFixture.expected)
    }
    let trainer = PickleBytes.dictionary([("var_wo_ddp", tensors), ("vae_local", tensors)])
    let nested = try file([("trainer", trainer)])
    #expect(nested.groups.map(\.name) == ["", "trainer", "trainer.vae_local", "trainer.var_wo_ddp"])
    #expect(try contents(nested.stateDictionary(at: "trainer.vae_local")) == WeightsFixture.expected)
    #expect(try contents(nested.stateDictionary(at: "trainer").stateDictionary(at: "var_wo_ddp")).count == 17)
    #expect(try nested.stateDictionary(at: "").entries == nested.entries)
  }

  @Test func aChoiceOrNothingFoundIsAnErrorThatSaysWhatThereIs() throws {
    let tensors = WeightsFixture.dictionary()
    func error(_ items: [(String, [UInt8])], at place: String? = nil) -> ArtifactError? {
      artifactError {
        let bytes = WeightsFixture.zip(PickleBytes.dictionary(items)).bytes
        _ = try WeightsFile.open(try folder.write(Data(bytes), "weights.bin")).stateDictionary(at: place)
      }
    }
    let path = folder.file("weights.bin")
    let found = [#""ema" (17 tensors)"#, #""model" (17 tensors)"#]
    #expect(error([("model", tensors), ("ema", tensors)]) == .ambiguous(path: path, found: found))
    #expect(
      error([("model", tensors)], at: "ema")
        == .missingEntry(path: path, name: "ema", known: ["the top level (17 tensors)", #""model" (17 tensors)"#]))
    let odd = error([("net", tensors)])
    #expect(odd == .ambiguous(path: path, found: ["the top level (17 tensors)", #""net" (17 tensors)"#]))
    #expect(name(of: error([("steps", PickleBytes.int(3))])) == "wrongFormat")
  }

  @Test func aFileThatIsWrittenIntoIsNotReadOn() throws {
    let path = try folder.write(Data(WeightsFixture.zip().bytes), "changing")
    let file = try WeightsFile.open(path)
    #expect(try file.array("long") == WeightsFixture.expected["long"])
    try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 0)], ofItemAtPath: path)
    #expect(name(of: artifactError { _ = try file.array("long") }) == "inputOutput")
  }

  @Test func theNameOfAFileDoesNotMatterButItsFirstBytesDo() throws {
    for bytes in [[], [0x50, 0x4B], Array("hello world, no weights".utf8), [0x80, 2, 0x7D, 0x2E]] as [[UInt8]] {
      #expect(name(of: artifactError { _ = try open(bytes) }) == "wrongFormat")
    }
    #expect(name(of: artifactError { _ = try WeightsFile.open(folder.file("none.pth")) }) == "missingFile")
    #expect(name(of: artifactError { _ = try WeightsFile.open(folder.path) }) == "notReadable")
    #expect(name(of: artifactError { _ = try WeightsFile.open("/dev/zero") }) == "notReadable")
    #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
    #expect(name(of: artifactError { _ = try WeightsFile.open(folder.file("pipe")) }) == "notReadable")
  }
}
