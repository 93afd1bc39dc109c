import Agreement
import Backbone
import DD2Generator
import DD2Teacher
import Distillation
import Sampling
import TeacherModels
import TensorCore
import Training

/// Training steps and images of a bundled model, to be compared between devices.
struct NetworkExamples {
  /// The model's family, `var` or `llamagen`.
  let family: String
  /// The folder of bundled models.
  let folder: String

  /// Sequences per update, and images.
  private static let batch = 4

  var all: [Example] {
    [
      example("two steps of stage 1", absolute: 1e-4, relative: 1e-3) {
        try metrics(
          of: Stage1Training(
            teacher: teacher(), tokens: TokenSource { try tokens() }, configuration: Self.settings))
      },
      example("two rounds of stage 2", absolute: 1e-4, relative: 1e-3) {
        try metrics(of: PublishedModel.stage2(of: teacher(), batch: Self.batch, isPerturbed: true))
      },
      example("generator", absolute: 1e-3, relative: 1e-3) {
        let stage = try PublishedModel.stage2(of: teacher(), batch: Self.batch, isPerturbed: true)
        let noise = stage.generator.noise(samples: Array(0..<Self.batch), seed: 1, purpose: "agree")
        let labels = IndexTensor((0..<Self.batch).map { Int32($0) })
        return [Backends.step { withoutGradient { stage.generator(noise_BLD: noise, labels: labels) } }.elements]
      },
      example("images of tokens", absolute: 1e-3) {
        try [teacher().decode(ids_BL: tokens().batch(Array(0..<Self.batch)).ids).elements]
      },
    ]
  }

  private func example(
    _ name: String, absolute: Double, relative: Double = 0, _ body: @escaping () throws -> [[Float]]
  ) -> Example {
    Example("\(family) \(name)", absolute: absolute, relative: relative, body)
  }

  private func teacher() throws -> any Teacher {
    try TeacherFile.read("\(folder)/shapes32-\(family)-teacher.h5").teacher
  }

  private static var settings: DistillationConfiguration {
    var settings = DistillationConfiguration(steps: 2)
    settings.batch = batch
    // The posterior's network begins as the teacher itself: its gradients are rounding, of which AdamW makes updates.
    settings.headEstimate = .linear
    return settings
  }

  /// Tokens drawn evenly, the same on any device.
  private func tokens() throws -> TokenSet {
    let teacher = try teacher()
    var stream = RandomStream(seed: 1, purpose: "agree.tokens")
    let count = 2 * Self.batch
    let ids = (0..<(count * teacher.layout.count)).map { _ in Int32(stream.integer(below: teacher.codebook.count)) }
    return TokenSet(
      ids: IndexArray(ids, [count, teacher.layout.count]), labels: (0..<count).map { Int32($0 % teacher.classCount) })
  }

  private func metrics(of stage: some TrainingStage) throws -> [[Float]] {
    try (0..<2).map { step in try stage.step(step).read(step: step).map { Float($0.1) } }
  }
}
