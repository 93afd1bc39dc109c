import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Distillation

/// The signs of health that stage 2 logs, by their definitions in Double.
@Suite("Health metrics by value") struct HealthValueTests {
  private static let (K, B, L, V, D) = (2, 2, 3, 4, 2)
  private static let ids = IndexTensor([0, 3, 3, 1, 3, 0], [B, L])
  private static let logP_BLV = (Tensor.normal([B, L, V], seed: 1, purpose: "test.logits") * 2).logSoftmax()
  private static let q_BLD = Tensor.normal([B, L, D], seed: 2, purpose: "test.q")
  private static let snapped_BLD = Tensor.normal([B, L, D], seed: 3, purpose: "test.snapped")
  private static let real = Tensor.normal([K, B * L, D], seed: 4, purpose: "test.real").reshaped([K, B, L, D])
  private static let fake = Tensor.normal([K, B * L, D], seed: 5, purpose: "test.fake").reshaped([K, B, L, D])

  private static func doubles(_ tensor: Tensor) -> [Double] { tensor.elements.map(Double.init) }

  private static func expected() -> [String: Double] {
    let (logP, tokens) = (doubles(logP_BLV), Double(B * L))
    let nll = ids.values.enumerated().reduce(0) { $0 - logP[$1.offset * V + Int($1.element)] } / tokens
    let entropy = logP.reduce(0) { $0 - exp($1) * $1 } / tokens
    let (q, snapped) = (doubles(q_BLD), doubles(snapped_BLD))
    let distance = (0..<(B * L)).reduce(0) { sum, token in
      sum + (0..<D).reduce(0) { $0 + pow(q[token * D + $1] - snapped[token * D + $1], 2) }.squareRoot()
    }
    let difference = zip(doubles(real), doubles(fake)).reduce(0) { $0 + abs($1.0 - $1.1) }
    return [
      "teacher_nll": nll, "teacher_entropy": entropy,
      // Of six tokens three are 3, two are 0 and one is 1.
      "token_entropy": -(0.5 * log(0.5) + log(1 / 3.0) / 3 + log(1 / 6.0) / 6),
      "code_distance": distance / tokens, "score_difference": difference / Double(K * B * L * D),
    ]
  }

  @Test func everySignHasItsValue() throws {
    let found = try DistillationMonitor.health(
      ids_BL: Self.ids, logP_BLV: Self.logP_BLV, q_BLD: Self.q_BLD, snapped_BLD: Self.snapped_BLD, real: Self.real,
      fake: Self.fake
    ).read(step: 0)
    let expected = Self.expected()
    #expect(found.map(\.0).sorted() == expected.keys.sorted())
    for (name, value) in found { #expect(abs(value - (expected[name] ?? .nan)) < 1e-5, "\(name) is \(value)") }
  }
}
