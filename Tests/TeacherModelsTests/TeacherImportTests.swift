import Artifacts
import Backbone
import DD2Teacher
import Foundation
import NN
import TestModels
import TestSupport
import Testing

@testable import TeacherModels

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

  /// Writes the parts of a teacher, all zeros, as PyTorch does: every tensor repeats one number.
  /// - Parameters:
  ///   - transformerName: the transformer's file.
  ///   - extra: what stands beside the transformer's weights.
  ///   - rename: the weights' names in the file.
  private static func write<Family: TeacherFamily>(
    _ family: Family, in folder: String, transformerName: String = "transformer.pt", extra: [(String, [Int])] = [],
    rename: (String) -> String = { $0 }
  ) throws -> [String] {
    let tokenizer = family.makeTokenizer(seed: nil)
    let parts = [
      (transformerName, family.makeTransformer(over: tokenizer, seed: nil).parameters, extra),
      ("tokenizer.pt", tokenizer.parameters, []),
    ]
    return try parts.map { name, set, extra in
      let shapes = set.parameters.map { ($0.path, $0.value.shape.dimensions) } + extra
      let storage = PickleBytes.storage("Float", "0", 1)
      let tensors = shapes.map { name, shape in
        (rename(name), PickleBytes.tensor(storage, 0, shape, shape.map { _ in 0 }))
      }
      let zip = ZipBytes(entries: [
        ZipBytes.Entry(name: "a/data.pkl", content: PickleBytes.program(PickleBytes.dictionary(tensors))),
        ZipBytes.Entry(name: "a/data/0", content: [0, 0, 0, 0]),
      ])
      let path = "\(folder)/\(name)"
      try Data(zip.bytes).write(to: URL(fileURLWithPath: path))
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

  /// DistributedDataParallel, `torch.compile` and FSDP, around the model and around modules inside it.
  @Test(arguments: TinyTeacher.allCases) func namesBehindWrappersAreFound(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let configuration = Self.configuration(family, classCount: 3)
      let options =
        family == .nextScale ? TeacherImportOptions(patchSides: [1, 2]) : TeacherImportOptions(side: 4, heads: 2)
      let renames: [(String) -> String] = [
        { "module._orig_mod.model." + $0 },
        { name in
          name.split(separator: ".").map { Int($0) == nil ? String($0) : $0 + "._fsdp_wrapped_module._orig_mod" }
            .joined(separator: ".")
        },
      ]
      for rename in renames {
        let files = try Self.write(configuration.family, in: folder, rename: rename)
        #expect(try TeacherImport(files: files, options: options).configuration == configuration)
      }
      let twice = try Self.write(configuration.family, in: folder, extra: [("module.norm.weight", [16])]) {
        $0 == "head_nm.ada_lin.1.bias" ? "_orig_mod.norm.weight" : $0
      }
      let error = #expect(throws: ArtifactError.self) { try TeacherImport(files: twice, options: options) }
      #expect(error?.description.contains("both stand for the weight \"norm.weight\"") == true)
    }
  }

  /// Tokens per side follow from what programs keep beside the weights, else from a whole word of the file's name, else
  /// from what is published, and what was assumed is told.
  @Test func gridsAreReadOrAssumedAloud() throws {
    let sizes = try #require(LlamaGenConfiguration.presets["llamagen-b-256"])
    let teacher = TeacherConfiguration.nextToken(
      transformer: sizes, tokenizer: VQConfiguration(latentDimension: 8, vocabulary: 16384))
    try withTemporaryFolder { folder in
      func imported(_ name: String, _ extra: [(String, [Int])] = [], side: Int? = nil) throws -> TeacherImport {
        try TeacherImport(
          files: try Self.write(teacher.family, in: folder, transformerName: name, extra: extra),
          options: TeacherImportOptions(side: side))
      }
      func grid(_ teacher: TeacherImport) -> Int? {
        if case .nextToken(let sizes, _) = teacher.configuration { sizes.side } else { nil }
      }
      for (name, side, reason) in [
        ("c2i_B_384.pt", 24, "24 x 24 tokens, for 384 pixels as the file's name says (--grid)"),
        ("0384000.pt", 16, "16 x 16 tokens, for 256 pixels as published (--grid)"),
        ("x1384.pt", 16, "16 x 16 tokens, for 256 pixels as published (--grid)"),
      ] {
        let found = try imported(name)
        #expect(grid(found) == side && found.assumed == [reason, "12 heads, as published (--heads)"], "\(name)")
      }
      #expect(throws: TeacherImportError.self) { try imported("c2i_B_256_to_384.pt") }
      for (extra, left) in [
        (("freqs_cis", [577, 32, 2]), 0), (("freqs_cis", [577, 32]), 0), (("causal_mask", [8, 584, 584]), 1),
        (("layers.0.attention.kv_cache.k_cache", [8, 12, 584, 64]), 0),
      ] as [((String, [Int]), Int)] {
        let found = try imported("c2i_B_256.pt", [extra])
        #expect(grid(found) == 24 && found.assumed.count == left && found.ignored == [extra.0], "\(extra)")
      }
      #expect(grid(try imported("a.pt", [("freqs_cis", [577, 32, 2])], side: 24)) == 24)
      #expect(throws: TeacherImportError.self) { try imported("a.pt", [("freqs_cis", [577, 32, 2])], side: 16) }
      // A table that fits no square tells nothing.
      #expect(grid(try imported("a.pt", [("freqs_cis", [2048, 32, 2])])) == 16)
    }
  }
}
