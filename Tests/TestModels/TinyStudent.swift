import Backbone
import DD2Generator
import NN
import Sampling
import TensorCore

/// Generators of tiny teachers.
package enum TinyStudent {
  /// A generator with weights at random, so that tokens differ, and its teacher's decoder.
  /// - Parameter sharpness: see `TinyTeacher.load`.
  package static func sampler(
    _ family: TinyTeacher, _ folder: String, parts: Int = 1, sharpness: Float = 1
  ) throws -> GeneratorSampler {
    let teacher = try family.load(in: folder, sharpness: sharpness).teacher
    let generator = try StudentFactory(
      teacher: teacher, head: .init(width: 16, depth: 1), adaptation: GeneratorAdaptation(parts: parts), seed: 3
    ).generator()
    try generator.parameters.load(
      StateDict(
        generator.parameters.stateDict().entries.mapValues {
          $0.shape.rank < 2 ? $0 : RandomNumbers(seed: 3, purpose: "test.weights").normal($0.shape) * 0.3
        }))
    return GeneratorSampler(generator: generator, teacher: teacher)
  }
}
