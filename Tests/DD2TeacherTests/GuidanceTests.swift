import Foundation
import TensorCore
import TestSupport
import Testing

@testable import DD2Teacher

@Suite("Shaping of the next-token distribution") struct GuidanceTests {
  /// Probabilities 0.5, 0.25, 0.125, 0.125.
  private let logits = Tensor([4, 2, 1, 1].map { Float(log(Double($0))) }, [1, 1, 4])

  /// What is wrong with the probabilities; nil where they are these.
  private func problem(_ guidance: Guidance, _ expected: [Double]) -> String? {
    mismatch(
      guidance.logProbabilities(logits: logits).exp(), expected, shape: [1, 1, 4],
      Tolerance(absolute: 1e-5, relative: 0))
  }

  @Test func withoutShapingTheLogitsAreNormalised() {
    #expect(problem(Guidance(), [0.5, 0.25, 0.125, 0.125]) == nil)
  }

  @Test func temperatureSharpens() {
    #expect(problem(Guidance(temperature: 0.5), [16, 4, 1, 1].map { $0 / 22 }) == nil)
  }

  @Test func topKKeepsTheMostLikely() {
    #expect(problem(Guidance(topK: 2), [2 / 3.0, 1 / 3.0, 0, 0]) == nil)
  }

  @Test func topPKeepsTheTokenThatCrossesTheMass() {
    #expect(problem(Guidance(topP: 0.6), [2 / 3.0, 1 / 3.0, 0, 0]) == nil)
    #expect(problem(Guidance(topP: 0.01), [1, 0, 0, 0]) == nil)
  }

  @Test func removedTokensKeepAFiniteLogProbability() {
    #expect(Guidance(topK: 1).logProbabilities(logits: logits).isFinite)
  }

  /// The log-probabilities that tokens are drawn from.
  private func checked(_ guidance: Guidance, _ logits: Tensor) throws -> Tensor {
    var check = OutputCheck(.teacherTransformer)
    let logProbabilities = guidance.logProbabilities(logits: logits, &check)
    try check.verify()
    return logProbabilities
  }

  static let unfit: [(Guidance, Float)] = [
    (Guidance(), .nan), (Guidance(), .infinity), (Guidance(), -.infinity), (Guidance(topK: 2), .nan),
    (Guidance(topK: 2), .infinity), (Guidance(topK: 2), -.infinity), (Guidance(topP: 0.5), .nan),
    (Guidance(topP: 0.5), .infinity), (Guidance(topP: 0.5), -.infinity), (Guidance(temperature: 0.001), 1e37),
    (Guidance(temperature: 0.001, topK: 2), 1e37),
  ]

  /// Also where the shaping removes the token that is not finite, or makes an infinity of one that is.
  @Test(arguments: unfit) func noTokenIsDrawnFromWhatIsNotFinite(_ guidance: Guidance, _ logit: Float) {
    let logits = Tensor([1, 2, logit, 3], [1, 1, 4])
    #expect(throws: NonFiniteOutput(network: "teacher's transformer")) {
      try checked(guidance, logits)
    }
  }

  @Test func finiteLogitsPassTheCheck() throws {
    for guidance in [Guidance(), Guidance(topK: 2), Guidance(temperature: 0.001, topP: 0.5)] {
      #expect(try checked(guidance, logits).elements == guidance.logProbabilities(logits: logits).elements)
    }
  }

  @Test func guidanceRampsOverTheScales() {
    let strengths = (0..<4).map { VARTeacher.strength(cfg: 1.5, scale: $0, scaleCount: 4) }
    #expect(strengths == [0, 0.5, 1, 1.5])
  }

  @Test func drawsFollowTheProbabilities() {
    let count = 20_000
    let logP = logits.logSoftmax().broadcast(to: [1, count, 4])
    let uniform = Tensor.uniform([1, count], low: 0, high: 1, seed: 1, purpose: "test")
    let ids = drawTokens(logP, uniform: uniform).values
    for (token, expected) in [0.5, 0.25, 0.125, 0.125].enumerated() {
      let share = Double(ids.count { $0 == Int32(token) }) / Double(count)
      #expect(abs(share - expected) < 0.012)
    }
  }
}
