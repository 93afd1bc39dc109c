import Backbone
import DD2Teacher
import TensorCore

/// A number of network calls that few-step sampling cannot be asked for; `description` is one line.
public struct FewStepError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The calls asked for.
  public let calls: Int
  /// The calls of the teacher alone.
  public let teacherCalls: Int

  public var description: String {
    calls > teacherCalls
      ? "\(calls) steps are more than the teacher's own \(teacherCalls); give at most \(teacherCalls), or let the teacher draw"
      : "\(calls) steps leave the teacher no call; give 2 to \(teacherCalls), or draw in one step"
  }
}

/// Draws in a few steps: one call of the generator, whose sample the teacher then corrects (paper, section 5, 'few
/// steps'). Sample i has the random numbers of (seed, i).
public struct FewStepSampler: TokenSampler {
  /// What the teacher does in its calls.
  public enum Correction: String, Codable, Sendable {
    /// It draws the last stages anew, one a call, after the generator's tokens of the stages before.
    case lastStages = "last-stages"
    /// It draws those tokens anew that it finds unlikely, all in one call, and again in the next.
    case unlikelyTokens = "unlikely-tokens"

    /// The better one by measurement (docs/results.md): the last stages where they hold enough of the image, which
    /// those of VAR do in one call and those of a token each never do in a few.
    static func best(for layout: TokenLayout, teacherCalls: Int) -> Correction {
      let redrawn = layout.stageLengths.suffix(teacherCalls).reduce(0, +)
      return 4 * redrawn >= layout.count ? .lastStages : .unlikelyTokens
    }
  }

  /// Calls of the generator and of the teacher.
  public let steps: Int
  /// What the teacher does in its calls.
  public let correction: Correction
  private let generator: GeneratorSampler
  private let guidance: Guidance

  /// Nats by which a token may surprise the teacher more than expected and still stay, in correction 1, 2, and so on: the
  /// first sees the most wrong neighbours. Measured: docs/results.md.
  private static func tolerance(correction: Int) -> Float { correction == 1 ? 4 : 2 }

  /// A sampler of `calls` steps an image.
  /// - Parameters:
  ///   - guidance: shapes the teacher's distribution; the one that the generator has learned, or another.
  ///   - correction: nil for the better one.
  /// - Throws: `FewStepError` unless `calls` lies between 2 and the teacher's own calls.
  public init(
    generator: GeneratorSampler, guidance: Guidance, calls: Int, correction: Correction? = nil
  ) throws(FewStepError) {
    let layout = generator.teacher.layout
    let teacherCalls = layout.stageLengths.count
    guard calls >= 2, calls <= teacherCalls else { throw FewStepError(calls: calls, teacherCalls: teacherCalls) }
    steps = calls
    self.correction = correction ?? .best(for: layout, teacherCalls: calls - 1)
    self.generator = generator
    self.guidance = guidance
  }

  public var teacher: any Teacher { generator.teacher }

  public var callsPerImage: Int { generator.callsPerImage + steps - 1 }

  public func tokens(labels: [Int32], seed: UInt64, indices: [Int]) throws -> IndexTensor {
    let ids_BL = try generator.tokens(labels: labels, seed: seed, indices: indices)
    switch correction {
    case .lastStages:
      let kept = teacher.layout.stages[teacher.layout.stageLengths.count - (steps - 1)].lowerBound
      return try teacher.sample(
        labels: IndexTensor(labels), guidance: guidance, seed: seed, indices: indices, prefix: ids_BL.columns(0..<kept))
    case .unlikelyTokens:
      return try (1..<steps).reduce(ids_BL) { ids_BL, call in
        try teacher.redrawingUnlikely(
          ids_BL: ids_BL, labels: IndexTensor(labels), guidance: guidance, tolerance: Self.tolerance(correction: call),
          seed: seed,
          step: call,
          indices: indices)
      }
    }
  }
}
