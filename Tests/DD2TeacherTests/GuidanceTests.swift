import Foundation
import TensorCore
import Testing

@testable import DD2Teacher

@Suite("Shaping of the next-token distribution") struct GuidanceTests {
  /// Probabilities 0.5, 0.25, 0.125, 0.125.
  private let logits = Tensor([4, 2, 1, 1].map { Float(log(Double($0))) }, [1, 1, 4])

  private func probabilities(_ guidance: Guidance) -> [Float] {
    guidance.logProbabilities(logits: logits).exp().elements
  }

  private func areClose(_ a: [Float], _ b: [Float]) -> Bool { zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 } }

  @Test func withoutShapingTheLogitsAreNormalised() {
    #expect(areClose(probabilities(Guidance()), [0.5, 0.25, 0.125, 0.125]))
  }

  @Test func temperatureSharpens() {
    #expect(areClose(probabilities(Guidance(temperature: 0.5)), [16, 4, 1, 1].map { $0 / 22 }))
  }

  @Test func topKKeepsTheMostLikely() {
    #expect(areClose(probabilities(Guidance(topK: 2)), [2 / 3.0, 1 / 3.0, 0, 0]))
  }

  @Test func topPKeepsTheTokenThatCrossesTheMass() {
    #expect(areClose(probabilities(Guidance(topP: 0.6)), [2 / 3.0, 1 / 3.0, 0, 0]))
    #expect(areClose(probabilities(Guidance(topP: 0.01)), [1, 0, 0, 0]))
  }

  @Test func removedTokensKeepAFiniteLogProbability() {
    #expect(Guidance(topK: 1).logProbabilities(logits: logits).isFinite)
  }

  @Test func guidanceRampsOverTheScales() {
    let strengths = (0..<4).map { VARTeacher.strength(cfg: 1.5, scale: $0, scaleCount: 4) }
    #expect(strengths == [0, 0.5, 1, 1.5])
  }

  @Test func drawsFollowTheProbabilities() {
    let count = 20_000
    let logP = logits.logSoftmax().broadcast(to: [1, count, 4])
    var streams = [RandomStream(seed: 1, purpose: "test")]
    let ids = drawTokens(logProbabilities: logP, streams: &streams).values
    for (token, expected) in [0.5, 0.25, 0.125, 0.125].enumerated() {
      let share = Double(ids.count { $0 == Int32(token) }) / Double(count)
      #expect(abs(share - expected) < 0.012)
    }
  }
}
