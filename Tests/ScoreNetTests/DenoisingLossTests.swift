import ScoreNet
import TensorCore
import TestSupport
import Testing

@Suite("Ground-truth score loss against recorded values", .onTestDevice) struct DenoisingLossTests {
  @Test func lossAndGradientThroughThePosteriorMatch() throws {
    func tensor(_ name: String) throws -> Tensor { try Goldens.tensor("golden-math.h5", name) }
    let logits = try tensor("logits").asLeaf()
    let mean = codebookPosteriorMean(
      try tensor("x_t"), t: try tensor("t"), logProbabilities: logits.logSoftmax(), codebook: try tensor("codebook"))
    let loss = denoisingLoss(prediction_KBLD: try tensor("fake_prediction"), target: mean)
    #expect(relativeToLargest(loss, try tensor("gts_loss")) < 1e-4)
    let gradient = loss.gradients(withRespectTo: [logits])[0]
    #expect(relativeToLargest(gradient, try tensor("gts_grad_logits")) < 1e-4)
  }

  @Test func targetIsRepeatedOverNoiseLevels() {
    let prediction = Tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 2, 2])
    let target = Tensor([0, 1, 2, 3], [1, 2, 2])
    // Differences are 1 at the first level and 5 at the second; 2 components each.
    #expect(denoisingLoss(prediction_KBLD: prediction, target: target).item == 26)
  }
}
