import DD2Generator
import TensorCore
import TestSupport
import Testing

/// The recorded case: f_r is the codebook posterior, f_f(x_t) = 0.3 x_t + b.
private struct GoldenLoss {
  let q_BLD: Tensor
  let t: Tensor
  let noise: Tensor
  let logP_BLV: Tensor
  let codebook: Tensor
  let bias: Tensor

  init() throws {
    func tensor(_ name: String) throws -> Tensor { try Goldens.tensor("golden-math.h5", name) }
    q_BLD = try tensor("q").asLeaf()
    t = try tensor("t")
    noise = try tensor("noise")
    logP_BLV = try tensor("logits").logSoftmax()
    codebook = try tensor("codebook")
    bias = try tensor("fake_prediction") - tensor("x_t") * 0.3
  }

  func loss(_ form: DistillationLoss) -> Tensor {
    let source = form == .dmd ? q_BLD.stopGradient() : q_BLD
    let x_t = noised(source, t: t, noise: noise)
    let real = codebookPosteriorMean(x_t, t: t, logProbabilities: logP_BLV, codebook: codebook)
    return conditionalScoreDistillationLoss(
      form, q_BLD: q_BLD, real_KBLD: real, fake_KBLD: x_t * 0.3 + bias, alpha: 1)
  }
}

@Suite("Conditional score distillation against recorded values", .onTestDevice) struct DistillationLossTests {
  @Test func noisingMatches() throws {
    let golden = try GoldenLoss()
    let x_t = noised(golden.q_BLD, t: golden.t, noise: golden.noise)
    #expect(relativeToLargest(x_t, try Goldens.tensor("golden-math.h5", "x_t")) < 1e-6)
  }

  @Test func sidLossAndGradientMatch() throws {
    let golden = try GoldenLoss()
    let loss = golden.loss(.sid)
    #expect(relativeToLargest(loss, try Goldens.tensor("golden-math.h5", "sid_loss")) < 1e-4)
    let gradient = loss.gradients(withRespectTo: [golden.q_BLD])[0]
    #expect(relativeToLargest(gradient, try Goldens.tensor("golden-math.h5", "sid_grad_q")) < 1e-4)
  }

  @Test func dmdGradientMatches() throws {
    let golden = try GoldenLoss()
    let gradient = golden.loss(.dmd).gradients(withRespectTo: [golden.q_BLD])[0]
    #expect(relativeToLargest(gradient, try Goldens.tensor("golden-math.h5", "dmd_grad_q")) < 1e-4)
  }
}

/// The loss alone, with f_r and f_f as inputs of their own.
@Suite("Conditional score distillation against its formula") struct DistillationFormulaTests {
  private static let (K, B, L, D) = (2, 3, 4, 5)
  private static let inputs: [Tensor] = [
    Tensor.normal([B, L, D], seed: 1, purpose: "test.q"),
    Tensor.normal([K, B * L, D], seed: 2, purpose: "test.real").reshaped([K, B, L, D]),
    Tensor.normal([K, B * L, D], seed: 3, purpose: "test.fake").reshaped([K, B, L, D]),
  ]

  /// The weights at the point itself: they are behind a stop-gradient.
  private static var weights: [Double] {
    DoubleReference.distillationWeights(
      q: inputs[0].elements.map(Double.init), real: inputs[1].elements.map(Double.init), LD: L * D)
  }

  private static func loss(_ form: DistillationLoss, _ x: [Tensor], alpha: Float) -> Tensor {
    conditionalScoreDistillationLoss(form, q_BLD: x[0], real_KBLD: x[1], fake_KBLD: x[2], alpha: alpha)
  }

  @Test(arguments: [Float(0), 0.5, 1, 1.2]) func sidFollowsItsFormula(_ alpha: Float) {
    let weights = Self.weights
    let problem = operationMismatch(Self.inputs, .loose) {
      Self.loss(.sid, $0, alpha: alpha)
    } reference: { x in
      [
        DoubleReference.sidLoss(
          q: x[0], real: x[1], fake: x[2], weights: weights, alpha: Double(alpha), LD: Self.L * Self.D, D: Self.D)
      ]
    }
    #expect(problem == nil)
  }

  /// `q . sg(w (f_f - f_r))`: neither score gets a gradient, and alpha has no part in it.
  @Test(arguments: [Float(0.5), 1.2]) func dmdFollowsItsFormula(_ alpha: Float) {
    let (weights, LD) = (Self.weights, Self.L * Self.D)
    let (real, fake) = (Self.inputs[1].elements.map(Double.init), Self.inputs[2].elements.map(Double.init))
    let problem = operationMismatch(Self.inputs, .loose) {
      Self.loss(.dmd, $0, alpha: alpha)
    } reference: { x in
      let sum = real.indices.reduce(0) { $0 + x[0][$1 % x[0].count] * weights[$1 / LD] * (fake[$1] - real[$1]) }
      return [sum / Double(Self.K * Self.B * Self.L)]
    }
    #expect(problem == nil)
  }
}
