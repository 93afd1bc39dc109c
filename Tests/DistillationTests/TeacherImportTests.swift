import Artifacts
import Backbone
import DD2Teacher
import NN
import TestSupport
import Testing

@testable import Distillation

@Suite("Sizes of imported teachers") struct TeacherImportTests {
  private static func configuration(_ family: TinyTeacher, classCount: Int) -> TeacherConfiguration {
    switch family {
    case .nextScale:
      .nextScale(
        transformer: VARConfiguration(
          depth: 1, width: 16, heads: 2, classCount: classCount, patchSides: [1, 2], latentDimension: 4,
          vocabulary: 12),
        tokenizer: VQVAEConfiguration(
          channels: 32, channelMultipliers: [1, 1], residualBlocks: 1, latentDimension: 4, vocabulary: 12,
          patchSides: [1, 2]))
    case .nextToken:
      .nextToken(
        transformer: LlamaGenConfiguration(
          depth: 1, width: 16, heads: 2, classCount: classCount, side: 4, latentDimension: 4, vocabulary: 12),
        tokenizer: VQConfiguration(
          channels: 32, channelMultipliers: [1, 1], residualBlocks: 1, latentChannels: 32, latentDimension: 4,
          vocabulary: 12))
    }
  }

  /// Writes the parts of a teacher, all zeros, as PyTorch does.
  private static func write<Family: TeacherFamily>(_ family: Family, in folder: String) throws -> [String] {
    let tokenizer = family.makeTokenizer(seed: nil)
    let parts = [
      ("transformer", family.makeTransformer(over: tokenizer, seed: nil).parameters),
      ("tokenizer", tokenizer.parameters),
    ]
    return try parts.map { name, set in
      var file = TorchFile()
      file.add(
        set.parameters.map {
          .init($0.path, $0.value.shape.dimensions, [Float](repeating: 0, count: $0.value.count))
        })
      let path = "\(folder)/\(name).pt"
      try file.write(to: path)
      return path
    }
  }

  private static func imported(_ family: TinyTeacher, classCount: Int, in folder: String) throws -> TeacherImport {
    let options =
      family == .nextScale ? TeacherImportOptions(patchSides: [1, 2]) : TeacherImportOptions(side: 4, heads: 2)
    return try TeacherImport(
      files: try write(configuration(family, classCount: classCount).family, in: folder), options: options)
  }

  /// The table of classes has a row more than there are classes: one alone leaves none.
  @Test(arguments: TinyTeacher.allCases) func aTeacherHasAClass(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let sound = try Self.imported(family, classCount: 1, in: folder)
      #expect(sound.configuration == Self.configuration(family, classCount: 1))
      let table = family == .nextScale ? "class_emb.weight" : "cls_embedding.embedding_table.weight"
      let error = #expect(throws: ArtifactError.self) { try Self.imported(family, classCount: 0, in: folder) }
      let line = error?.description ?? "taken"
      #expect(line.contains("transformer.pt: \(table) has one row"), "\(line)")
    }
  }
}
