import Artifacts
import TensorCore
import TestSupport
import Testing

@testable import FIDEval

@Suite struct InceptionTests {
  private func extractor(_ imageProtocol: InceptionProtocol, _ layer: InceptionLayer) -> InceptionV3 {
    InceptionV3(weights: SyntheticInception.network, protocol: imageProtocol, layer: layer)
  }

  /// The recorded images as the extractor takes them, (B, h, w, 3).
  private func goldenImages() throws -> Tensor {
    let array = try Goldens.array("golden-inception.h5", "images_u8")
    let (B, h, w) = (array.shape[0], array.shape[2], array.shape[3])
    let bytes = array.floats
    var elements: [Float] = []
    for image in 0..<B {
      for pixel in 0..<h * w {
        for channel in 0..<3 { elements.append(bytes[(image * 3 + channel) * h * w + pixel] / 127.5 - 1) }
      }
    }
    return Tensor(elements, [B, h, w, 3])
  }

  @Test(
    .onTestDevice, arguments: [(InceptionLayer.maxPool1, 1e-4), (.maxPool2, 1e-4), (.mixed6e, 1e-4), (.mixed7c, 1e-3)])
  func recordedFeatures(_ layer: InceptionLayer, tolerance: Double) throws {
    let expected = try Goldens.array("golden-inception.h5", "features_\(layer.rawValue)").doubles
    let largest = expected.map(abs).max() ?? 0
    let actual = extractor(.pytorchFID, layer).features(of: try goldenImages())
    #expect(
      mismatch(
        actual, expected, shape: [3, layer.rawValue], Tolerance(absolute: tolerance * largest, relative: 0)) == nil)
  }

  @Test func onePassYieldsWhatSeparatePassesDo() {
    let images = SyntheticInception.images(3, 40, 33)
    let inception = extractor(.adm, .mixed7c)
    let all = inception.outputs([.pooled, .spatial, .logits], of: images)
    #expect(all.spatial_BS?.shape == [3, 2023])
    #expect(all.logits_BC?.shape == [3, 1008])
    #expect(all.pooled_BF?.elements == inception.features(of: images).elements)
    for wanted in [FeatureOutputs.spatial, .logits] {
      let one = inception.outputs(wanted, of: images)
      #expect(one.pooled_BF == nil)
      #expect(one.spatial_BS?.elements == (wanted == .spatial ? all.spatial_BS?.elements : nil))
      #expect(one.logits_BC?.elements == (wanted == .logits ? all.logits_BC?.elements : nil))
    }
    let shallow = extractor(.adm, .maxPool2).outputs([.pooled, .spatial], of: images)
    #expect(shallow.spatial_BS?.elements == all.spatial_BS?.elements)
    #expect(shallow.pooled_BF?.shape == [3, 192])
  }

  @Test func logitsAreTheClassifierWithoutBias() throws {
    let outputs = extractor(.clean, .mixed7c).outputs([.pooled, .logits], of: SyntheticInception.images(2, 20, 30))
    let pooled = try #require(outputs.pooled_BF).elements.map(Double.init)
    let weight = SyntheticInception.array("fc.weight", [1008, 2048]).doubles
    let expected = (0..<2 * 1008).map { index in
      let (image, output) = index.quotientAndRemainder(dividingBy: 1008)
      return (0..<2048).reduce(0) { $0 + pooled[image * 2048 + $1] * weight[output * 2048 + $1] }
    }
    #expect(mismatch(try #require(outputs.logits_BC), expected, shape: [2, 1008], .loose) == nil)
    #expect(expected.contains { $0 < 0 })
  }

  @Test(arguments: [InceptionLayer.maxPool1, .mixed7c]) func anImageDoesNotDependOnItsBatch(_ layer: InceptionLayer) {
    let inception = extractor(.pytorchFID, layer)
    let images = SyntheticInception.images(11, 24, 24)
    func outputs(_ range: Range<Int>) -> ImageFeatures {
      inception.outputs([.pooled, .spatial, .logits], of: images.sliced(axis: 0, range))
    }
    let together = outputs(0..<11)
    for index in [0, 4, 10] {
      let alone = outputs(index..<index + 1)
      for part in [\.pooled_BF, \.spatial_BS, \.logits_BC] as [KeyPath<ImageFeatures, Tensor?>] {
        #expect(alone[keyPath: part]?.elements == together[keyPath: part]?.sliced(axis: 0, index..<index + 1).elements)
      }
    }
  }

  @Test func spatialFeaturesAreTheFirstChannelsInRowColumnChannelOrder() throws {
    let images = SyntheticInception.images(1, 32, 32)
    let network = SyntheticInception.network.network
    var x = network.Conv2d_2a_3x3(network.Conv2d_1a_3x3(InceptionProtocol.adm.prepare(images)))
    x = maxPool(network.Conv2d_2b_3x3(x), .halving)
    x = maxPool(network.Conv2d_4a_3x3(network.Conv2d_3b_1x1(x)), .halving)
    x = network.Mixed_5d(network.Mixed_5c(network.Mixed_5b(x)))
    x = network.Mixed_6d.branch1x1(network.Mixed_6c(network.Mixed_6b(network.Mixed_6a(x))))
    #expect(x.shape == [1, 17, 17, 192])
    let all = x.elements
    let expected = (0..<17 * 17).flatMap { pixel in (0..<7).map { all[pixel * 192 + $0] } }
    let spatial = try #require(extractor(.adm, .mixed7c).outputs(.spatial, of: images).spatial_BS)
    #expect(spatial.elements == expected)
  }

  @Test func onlyPublishedWeightsAndTheLastLayerCompareWithPublishedDistances() {
    let published = InceptionWeights(hash: InceptionFile.publishedHash, network: SyntheticInception.network.network)
    #expect(InceptionV3(weights: published, protocol: .adm).isComparableWithInception)
    #expect(!InceptionV3(weights: published, protocol: .adm, layer: .mixed6e).isComparableWithInception)
    #expect(!extractor(.adm, .mixed7c).isComparableWithInception)
  }

  @Test func theProvenanceTellsProtocolsAndLayersApart() {
    let names = InceptionProtocol.allCases.flatMap { imageProtocol in
      InceptionLayer.allCases.map { extractor(imageProtocol, $0).provenance.description }
    }
    #expect(Set(names).count == 12)
  }
}
