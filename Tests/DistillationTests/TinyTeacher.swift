import Backbone
import DD2Teacher
import Datasets
import Foundation
import NN
import TensorCore
import Testing

@testable import Distillation

/// The first images of shapes32.
struct FewImages: ImageSource {
  private let source = Shapes32(.train)
  let count = 24
  var height: Int { source.height }
  var width: Int { source.width }
  var classNames: [String] { source.classNames }
  func pixels(at index: Int) throws -> [UInt8] { source.pixels(at: index) }
  func label(at index: Int) -> Int32 { source.label(at: index) }
}

/// A VAR of the real architecture at small sizes, with random weights: 32x32 pixels, a 4x4 latent, 21 tokens.
enum TinyTeacher {
  private static let sides = [1, 2, 4]
  static let configuration = TeacherConfiguration.nextScale(
    transformer: VARConfiguration(
      depth: 1, width: 16, heads: 2, classCount: 10, patchSides: sides, latentDimension: 4, vocabulary: 12),
    tokenizer: VQVAEConfiguration(
      channels: 8, channelMultipliers: [1, 1, 1, 1], residualBlocks: 1, normGroups: 4, latentDimension: 4,
      vocabulary: 12, patchSides: sides))

  /// Writes the teacher into a folder and reads it back.
  static func load(in folder: String) throws -> TeacherFile.Loaded {
    guard case .nextScale(let transformer, let tokenizer) = configuration else { preconditionFailure() }
    let vqvae = VQVAE(tokenizer, seed: 5)
    let network = VARTransformer(transformer, map: vqvae.map, seed: 5)
    let path = folder + "/teacher.h5"
    try TeacherFile.write(
      configuration, transformer: network.parameters.stateDict(), tokenizer: vqvae.parameters.stateDict(),
      metadata: [:], to: path)
    return try TeacherFile.read(path)
  }
}

/// Runs a body in a folder of its own that is removed afterwards.
func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("dd2-" + UUID().uuidString).path
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}
