import NN
import TensorCore
import TestSupport
import Testing

@testable import FIDEval

@Suite struct ShapesFeatureNetTests {
  private let small = ShapesFeatureNetConfiguration(
    channels: [8, 8, 16], strides: [1, 2, 2], groups: 4, classCount: 3, attributeCount: 2)

  @Test func shapes() {
    let network = ShapesFeatureNet(ParameterBuilder(ParameterSet(), seed: 0))
    let output = network(SyntheticWeights.tensor("images", [2, 32, 32, 3]))
    #expect(output.features.shape == [2, 128])
    #expect(output.logits.shape == [2, 10])
    #expect(output.attributes.shape == [2, 16])
  }

  @Test func everyParameterLearnsAndTheLossFalls() throws {
    let set = ParameterSet()
    let network = ShapesFeatureNet(ParameterBuilder(set, seed: 1), small)
    let images = SyntheticWeights.tensor("images", [6, 8, 8, 3])
    let attributes = SyntheticWeights.tensor("attributes", [6, 2])
    func loss() -> Tensor {
      ShapesFeatureNet.loss(network(images), labels: [0, 1, 2, 0, 1, 2], attributes: attributes)
    }
    for (parameter, gradient) in zip(set.parameters, loss().gradients(withRespectTo: set.values)) {
      #expect(gradient.square().sum().item > 0, "\(parameter.path)")
    }
    let before = loss().item
    let optimiser = AdamW(set, AdamWConfiguration())
    for _ in 0..<30 {
      optimiser.update(loss().gradients(withRespectTo: set.values), learningRate: 1e-2)
    }
    #expect(loss().item < 0.5 * before)
  }

  @Test func featuresDoNotDependOnTheBatch() {
    let network = ShapesFeatureNet(ParameterBuilder(ParameterSet(), seed: 2), small)
    let extractor = ShapesFeatureExtractor(network, weightsHash: "0")
    let images = SyntheticWeights.tensor("images", [4, 16, 16, 3])
    let together = extractor.features(of: images)
    let alone = extractor.features(of: images.sliced(axis: 0, 2..<3))
    #expect(together.shape == [4, extractor.dimension])
    #expect(!together.requiresGradient)
    #expect(mismatch(alone, together.sliced(axis: 0, 2..<3), .float) == nil)
  }
}
