import DD2Teacher
import Foundation
import TensorCore
import Testing

@testable import Distillation

@Suite("Likelihood under a teacher with top-k") struct TruncatedLikelihoodTests {
  /// A token that the teacher never draws has no likelihood: it is counted, not averaged.
  @Test func removedTokensAreCountedApart() throws {
    let removed = Guidance.removedLogProbability
    let half = Float(log(0.5))
    let logP = Tensor([half, half, removed, half, half, removed, half, half, removed, 0, removed, removed], [1, 4, 3])
    let zero = Tensor(repeating: 0, [1, 4, 2])
    func health(_ ids: [Int32]) throws -> [String: Double] {
      let metrics = DistillationMonitor.health(
        ids_BL: IndexTensor(ids, [1, 4]), logP_BLV: logP, q_BLD: zero, snapped_BLD: zero, real: zero, fake: zero)
      return Dictionary(uniqueKeysWithValues: try metrics.read(step: 0))
    }
    let some = try health([0, 2, 1, 0])
    #expect(some["outside_support"] == 0.25)
    #expect(abs((some["teacher_nll"] ?? 0) - 2 * log(2) / 3) < 1e-6)
    let none = try health([0, 1, 1, 0])
    #expect(none["outside_support"] == nil)
    #expect(abs((none["teacher_nll"] ?? 0) - 3 * log(2) / 4) < 1e-6)
    let all = try health([2, 2, 2, 1])
    #expect(all["outside_support"] == 1 && all["teacher_nll"] == nil)
  }
}
