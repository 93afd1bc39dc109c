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
    let real = codebookPosterior(x_t, t: t, logProbabilities: logP_BLV, codebook: codebook).mean
    return conditionalScoreDistillationLoss(
      form, q_BLD: q_BLD, real_KBLD: real, fake_KBLD: x_t * 0.3 + bias, alpha: 1)
  }
}

@Suite("Conditional score distillation against recorded values") struct DistillationLossTests {
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
