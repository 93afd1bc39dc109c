import Backbone
import Foundation
import TensorCore
import TestModels
import TestSupport
import Testing

@testable import DD2Teacher
@testable import Sampling

/// What the teacher draws anew in few-step sampling, token by token.
@Suite("Corrections") struct CorrectionTests {
  private static let (labels, seed): ([Int32], UInt64) = ([0, 1, 7, 4], 5)
  private static let indices = [0, 1, 2, 3]

  /// One token per row of log-probabilities, by the definition: the first whose cumulative probability exceeds a uniform
  /// number of the sample's own stream.
  private static func redrawn(_ logP: [Double], step: Int, L: Int, V: Int) -> [Int32] {
    indices.flatMap { index -> [Int32] in
      var stream = RandomStream(seed: seed, purpose: "teacher.redraw", step: step, index: index)
      return (0..<L).map { position in
        let target = Double(stream.uniform())
        var mass = 0.0
        let row = (index * L + position) * V
        return Int32(
          (0..<V).first {
            mass += exp(logP[row + $0])
            return mass > target
          } ?? V - 1)
      }
    }
  }

  /// Surprise less entropy of every token, in nats.
  private static func excess(_ logP: [Double], _ ids: [Int32], V: Int) -> [Double] {
    ids.indices.map { token in
      let row = logP[(token * V)..<((token + 1) * V)]
      return row.reduce(-logP[token * V + Int(ids[token])]) { $0 + exp($1) * $1 }
    }
  }

  private static func logP(_ teacher: any Teacher, _ ids: IndexTensor, _ guidance: Guidance) -> [Double] {
    teacher.logProbabilities(ids_BL: ids, labels: IndexTensor(labels), guidance: guidance).elements.map(Double.init)
  }

  /// The tokens after one pass, by the definition.
  private static func corrected(
    _ teacher: any Teacher, _ ids: IndexTensor, _ guidance: Guidance, tolerance: Double, step: Int
  ) -> [Int32] {
    let (L, V) = (teacher.layout.count, teacher.codebook.count)
    let logP = logP(teacher, ids, guidance)
    let drawn = redrawn(logP, step: step, L: L, V: V)
    return zip(excess(logP, ids.values, V: V), zip(ids.values, drawn)).map { $0 > tolerance ? $1.1 : $1.0 }
  }

  /// - Parameter share: of the tokens that pass.
  @Test(arguments: TinyTeacher.allCases, [0.1, 0.5])
  func exactlyTheTokensAboveTheToleranceAreDrawnAnew(_ family: TinyTeacher, share: Double) throws {
    try withTemporaryFolder { folder in
      let generator = try TinyStudent.sampler(family, folder, sharpness: 100)
      let (teacher, ids) = (
        generator.teacher, try generator.tokens(labels: Self.labels, seed: Self.seed, indices: Self.indices)
      )
      let excess = Self.excess(Self.logP(teacher, ids, family.guidance), ids.values, V: teacher.codebook.count)
      // In the middle between two tokens: no rounding decides.
      let (sorted, place) = (excess.sorted(), Int(share * Double(excess.count)))
      let tolerance = (sorted[place] + sorted[place + 1]) / 2
      let found = try teacher.redrawingUnlikely(
        ids_BL: ids, labels: IndexTensor(Self.labels), guidance: family.guidance, tolerance: Float(tolerance),
        seed: Self.seed, step: 3, indices: Self.indices)
      let expected = Self.corrected(teacher, ids, family.guidance, tolerance: tolerance, step: 3)
      #expect(found.values == expected)
      // A token drawn anew is mostly another one.
      let (changed, redrawn) = (zip(found.values, ids.values).count { $0 != $1 }, sorted.count - place - 1)
      #expect(changed > redrawn / 2 && changed <= redrawn)
      #expect(expected != Self.corrected(teacher, ids, Guidance(), tolerance: tolerance, step: 3))
    }
  }

  /// Three calls: the first correction lets tokens pass that surprise by 4 nats, the second by 2.
  @Test(arguments: TinyTeacher.allCases) func everyCallCorrectsTheOneBefore(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let generator = try TinyStudent.sampler(family, folder, sharpness: 500)
      let teacher = generator.teacher
      let few = try FewStepSampler(
        generator: generator, guidance: family.guidance, calls: 3, correction: .unlikelyTokens)
      let one = try generator.tokens(labels: Self.labels, seed: Self.seed, indices: Self.indices)
      let first = Self.corrected(teacher, one, family.guidance, tolerance: 4, step: 1)
      let second = Self.corrected(
        teacher, IndexTensor(first, one.shape), family.guidance, tolerance: 2, step: 2)
      #expect(try few.tokens(labels: Self.labels, seed: Self.seed, indices: Self.indices).values == second)
      #expect(first != one.values && second != first)
      // Neither another tolerance nor no guidance leads to the same.
      for (guidance, tolerances) in [(family.guidance, [2.0, 2]), (family.guidance, [4, 4]), (Guidance(), [4, 2])] {
        let other = Self.corrected(teacher, one, guidance, tolerance: tolerances[0], step: 1)
        let last = Self.corrected(
          teacher, IndexTensor(other, one.shape), guidance, tolerance: tolerances[1], step: 2)
        #expect(last != second)
      }
    }
  }

  /// The last stages under the guidance that was asked for, after the generator's own tokens.
  @Test(arguments: TinyTeacher.allCases) func theLastStagesAreTheTeachersSamples(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let generator = try TinyStudent.sampler(family, folder, sharpness: 200)
      let layout = generator.teacher.layout
      let one = try generator.tokens(labels: Self.labels, seed: Self.seed, indices: Self.indices)
      let few = try FewStepSampler(generator: generator, guidance: family.guidance, calls: 3, correction: .lastStages)
      let kept = layout.stages[layout.stageLengths.count - 2].lowerBound
      func sample(_ guidance: Guidance) throws -> IndexTensor {
        try generator.teacher.sample(
          labels: IndexTensor(Self.labels), guidance: guidance, seed: Self.seed, indices: Self.indices,
          prefix: one.columns(0..<kept))
      }
      let drawn = try few.tokens(labels: Self.labels, seed: Self.seed, indices: Self.indices)
      #expect(try drawn.array == sample(family.guidance).array)
      #expect(try drawn.values != sample(Guidance()).values)
      #expect(drawn.columns(0..<kept).array == one.columns(0..<kept).array)
    }
  }

  /// The last stages are drawn anew where they hold a quarter of the tokens or more.
  @Test(arguments: [
    (TokenLayout(patchSides: [1, 2, 3, 4, 6, 8]), 1, FewStepSampler.Correction.lastStages),
    (TokenLayout(patchSides: [1, 2, 3, 4, 5, 6, 8, 10, 13, 16]), 1, .lastStages),
    (TokenLayout(stageLengths: [Int](repeating: 1, count: 64)), 1, .unlikelyTokens),
    (TokenLayout(stageLengths: [Int](repeating: 1, count: 64)), 15, .unlikelyTokens),
    (TokenLayout(stageLengths: [Int](repeating: 1, count: 64)), 16, .lastStages),
  ])
  func theBetterCorrectionIsChosen(_ layout: TokenLayout, teacherCalls: Int, best: FewStepSampler.Correction) {
    #expect(FewStepSampler.Correction.best(for: layout, teacherCalls: teacherCalls) == best)
  }
}
