import Artifacts
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import TeacherModels

/// DD1's files by the reference's names.
@Suite struct DD1ImportTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Writes the network at the given keys, and the tokenizer; their paths.
  private func write(
    _ golden: DD1Golden, at places: [[String]], where isIncluded: (String) -> Bool = { _ in true }
  ) throws -> [String] {
    var network = TorchFile()
    for (index, keys) in places.enumerated() {
      let tensors = try golden.stateDictionary().filter { isIncluded($0.name) }
      // The first alone has the recorded weights.
      network.add(tensors.map { .init($0.name, $0.shape, index == 0 ? $0.values : $0.values.map { -$0 }) }, at: keys)
    }
    // Every weight repeats one number.
    let storage = PickleBytes.storage("Float", "0", 1)
    let tokenizer = golden.tokenizerParameters(of: golden.sizes(channels: 32)).map { parameter in
      let shape = parameter.value.shape.dimensions
      return (parameter.path, PickleBytes.tensor(storage, 0, shape, shape.map { _ in 0 }))
    }
    let zip = ZipBytes(entries: [
      ZipBytes.Entry(name: "a/data.pkl", content: PickleBytes.program(PickleBytes.dictionary(tokenizer))),
      ZipBytes.Entry(name: "a/data/0", content: [0, 0, 0, 0]),
    ])
    try network.write(to: folder.file("dd1.pth"))
    return [folder.file("dd1.pth"), try folder.write(Data(zip.bytes), "tokenizer.pth")]
  }

  @Test(arguments: DD1Golden.allCases) func findsTheAveragedNetwork(_ golden: DD1Golden) throws {
    let places = golden == .var ? [["trainer", "ema_parameters"], ["trainer", "var_wo_ddp"]] : [["ema"], ["model"]]
    let files = try write(golden, at: places)
    // LlamaGen's weights show neither tokens per side nor heads.
    let options =
      golden == .var ? TeacherImportOptions(split: 3) : TeacherImportOptions(side: 4, heads: 2, split: 3)
    let found = try TeacherImport(files: files, options: options)
    #expect(found.places.transformer.hasPrefix(places[0].joined(separator: ".")))
    #expect(found.dd1 == DD1Configuration(sizes: golden.sizes(channels: 32), split: 3, second: 3))
    let path = folder.file("dd1.h5")
    try found.write(to: path, metadata: [:]) { _, _ in }
    #expect(try DD1GeneratorFile.recognizes(path))
    let weights = try DD1GeneratorFile.read(path).network.parameters.current.entries
    for tensor in try golden.stateDictionary() where !DD1Golden.isBuffer(tensor.name) {
      #expect(weights[tensor.name]?.elements == tensor.values, "\(tensor.name)")
    }
    #expect(throws: ArtifactError.self) { try TeacherFile.read(path) }
  }

  /// Averaged weights come without buffers: the scales are then told.
  @Test func scalesAreAskedForWithoutBuffers() throws {
    let files = try write(.var, at: [[]]) { !DD1Golden.isBuffer($0) }
    #expect(
      throws: TeacherImportError.undetermined(
        path: files[0], detail: "the file has 31 positions in 5 scales", option: "--patch-nums")
    ) { try TeacherImport(files: files, options: TeacherImportOptions(split: 3)) }
    let found = try TeacherImport(files: files, options: TeacherImportOptions(patchSides: [1, 2, 3, 4], split: 3))
    #expect(found.configuration == DD1Golden.var.sizes())
  }

  @Test func theSplitIsAskedForAndChecked() throws {
    let files = try write(.var, at: [[]])
    func error(_ split: Int?) -> String {
      do {
        _ = try TeacherImport(files: files, options: TeacherImportOptions(split: split))
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(error(nil).contains("no weight shows the stage where its codes end; say it with --split"))
    #expect(error(4).contains("--split 4 does not fit, its stages are numbered 0 to 3"))
  }

  /// What the reference's programs are told for the published files.
  @Test func publishedModelsHaveTheirSplits() {
    func published(_ golden: DD1Golden, depth: Int) -> [Int]? {
      let sizes: TeacherConfiguration
      switch golden.sizes() {
      case .nextScale(var transformer, let tokenizer):
        transformer.depth = depth
        sizes = .nextScale(transformer: transformer, tokenizer: tokenizer)
      case .nextToken(var transformer, let tokenizer):
        transformer.depth = depth
        sizes = .nextToken(transformer: transformer, tokenizer: tokenizer)
      }
      return DD1Configuration.published(sizes).map { [$0.split, $0.second] }
    }
    #expect([16, 20, 24, 30].map { published(.var, depth: $0) } == [[5, 5], [4, 4], [4, 4], nil])
    #expect([12, 24, 36].map { published(.llamaGen, depth: $0) } == [[80, 80], [130, 80], nil])
  }
}
