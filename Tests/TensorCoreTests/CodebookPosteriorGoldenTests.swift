import TestSupport
import Testing

@testable import TensorCore

/// The values that PyTorch recorded, every element.
@Suite(.onTestDevice) struct CodebookPosteriorGoldenTests {
  @Test func matchesTheRecordedPosterior() throws {
    func tensor(_ name: String) throws -> Tensor { try Goldens.tensor("golden-math.h5", name) }
    let (x_t, t) = (try tensor("x_t"), try tensor("t"))
    let mean = codebookPosteriorMean(
      x_t, t: t, logProbabilities: try tensor("logits").logSoftmax(), codebook: try tensor("codebook"))
    let actual = ["posterior_mean": mean, "velocity": flowVelocity(x0: mean, x_t: x_t, t: t)]
    for (name, tensor) in actual {
      let expected = try Goldens.array("golden-math.h5", name).doubles
      // The recording's inputs are Doubles: rounding them to Float moves scores of size 1/t by about 1e-5.
      #expect(DoubleReference.mismatch(tensor.elements, expected, tolerance: 2e-5) == nil, "\(name)")
    }
  }
}
