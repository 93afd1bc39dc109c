import Backbone
import DD2Teacher
import Datasets
import NN
import TeacherModels
import TensorCore

/// The first images of shapes32.
package struct FewImages: ImageSource {
  private let source = Shapes32(.train)
  package let count = 24
  package var height: Int { source.height }
  package var width: Int { source.width }
  package var classNames: [String] { source.classNames }
  package func pixels(at index: Int) throws -> [UInt8] { source.pixels(at: index) }
  package func label(at index: Int) -> Int32 { source.label(at: index) }

  package init() {}
}

/// Teachers of the real architectures at small sizes, with random weights, for 32x32 pixels.
package enum TinyTeacher: CaseIterable {
  /// VAR: a 4x4 latent, 21 tokens.
  case nextScale
  /// LlamaGen: 4x4 tokens.
  case nextToken

  private static let sides = [1, 2, 4]

  package var configuration: TeacherConfiguration {
    switch self {
    case .nextScale:
      .nextScale(
        transformer: VARConfiguration(
          depth: 1, width: 16, heads: 2, classCount: 10, patchSides: Self.sides, latentDimension: 4, vocabulary: 12),
        tokenizer: VQVAEConfiguration(
          channels: 8, channelMultipliers: [1, 1, 1, 1], residualBlocks: 1, normGroups: 4, latentDimension: 4,
          vocabulary: 12, patchSides: Self.sides))
    case .nextToken:
      .nextToken(
        transformer: LlamaGenConfiguration(
          depth: 1, width: 16, heads: 2, classCount: 10, side: 4, latentDimension: 4, vocabulary: 12),
        tokenizer: VQConfiguration(
          channels: 8, channelMultipliers: [1, 1, 1, 1], residualBlocks: 1, normGroups: 4, latentChannels: 8,
          latentDimension: 4, vocabulary: 12))
    }
  }

  /// Guidance of a strength that changes the family's distribution.
  package var guidance: Guidance { Guidance(cfg: self == .nextScale ? 1.5 : 2) }

  /// Writes the teacher into a folder and reads it back.
  /// - Parameter sharpness: times the classifier's weights, which at random find all tokens about equally likely, guided
  ///   or not; with 100 and more the distributions differ.
  package func load(in folder: String, sharpness: Float = 1) throws -> TeacherFile.Loaded {
    try load(configuration.family, in: folder, sharpness)
  }

  private func load<Family: TeacherFamily>(
    _ family: Family, in folder: String, _ sharpness: Float
  ) throws -> TeacherFile.Loaded {
    let tokenizer = family.makeTokenizer(seed: 5)
    var weights = family.makeTransformer(over: tokenizer, seed: 5).parameters.stateDict()
    let classifier = self == .nextScale ? "head.weight" : "output.weight"
    weights[classifier] = weights[classifier].map { $0 * sharpness }
    let path = folder + "/teacher.h5"
    try TeacherFile.write(
      configuration, transformer: weights, tokenizer: tokenizer.parameters.stateDict(), metadata: [:], to: path)
    return try TeacherFile.read(path)
  }
}
