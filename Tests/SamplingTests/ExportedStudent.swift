import Backbone
import DD2Generator
import DD2Teacher
import Foundation
import NN
import TeacherModels
import TensorCore

@testable import Sampling

/// A generator to export.
struct ExportedStudent {
  let generator: GeneratorFile.Loaded
  let teacher: TeacherFile.Loaded

  var export: GeneratorExport { GeneratorExport(generator, hash: "of no file", teacher: teacher) }

  /// A bundled one: `var` or `llamagen`.
  static func bundled(_ family: String) throws -> ExportedStudent {
    let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Models")
    let teacher = try TeacherFile.read(models.appendingPathComponent("shapes32-\(family)-teacher.h5").path)
    let path = models.appendingPathComponent("shapes32-\(family)-generator.h5").path
    return ExportedStudent(generator: try GeneratorFile.read(path, teacher: teacher), teacher: teacher)
  }

  /// One with weights at random, those from noise to tokens ten times as large: it draws different tokens.
  static func random(
    _ sizes: TeacherConfiguration, head: DenoisingHeadConfiguration = .init(width: 16, depth: 1),
    adaptation: GeneratorAdaptation = .init(noiseGain: 0.5), in folder: String
  ) throws -> ExportedStudent {
    let teacher = try teacher(sizes.family, sizes, in: folder)
    let generator = try StudentFactory(teacher: teacher.teacher, head: head, adaptation: adaptation, seed: 3)
      .generator()
    try generator.parameters.load(
      StateDict(
        Dictionary(
          uniqueKeysWithValues: generator.parameters.stateDict().entries.map { path, value in
            (
              path,
              RandomNumbers(seed: 3, purpose: path).normal(value.shape)
                * (["noise.", "from_latent", "head.output"].contains(where: path.contains) ? 3 : 0.3)
            )
          })))
    return ExportedStudent(
      generator: GeneratorFile.Loaded(
        generator: generator,
        description: GeneratorDescription(
          head: head, adaptation: adaptation, teacher: "teacher.h5", teacherHash: teacher.hash, guidance: Guidance())),
      teacher: teacher)
  }

  private static func teacher<Family: TeacherFamily>(
    _ family: Family, _ sizes: TeacherConfiguration, in folder: String
  ) throws -> TeacherFile.Loaded {
    let tokenizer = family.makeTokenizer(seed: 5)
    let transformer = family.makeTransformer(over: tokenizer, seed: 5).parameters.stateDict()
    let path = folder + "/teacher.h5"
    try TeacherFile.write(
      sizes, transformer: transformer, tokenizer: tokenizer.parameters.stateDict(), metadata: [:], to: path)
    return try TeacherFile.read(path)
  }

  /// Tokens of samples 0... of the given classes.
  func tokens(labels: [Int32], seed: UInt64) throws -> [Int32] {
    try GeneratorSampler(generator: generator.generator, teacher: teacher.teacher)
      .tokens(labels: labels, seed: seed, indices: Array(labels.indices)).values
  }
}
