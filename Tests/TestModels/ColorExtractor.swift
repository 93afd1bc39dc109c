import FIDEval
import TensorCore

/// A network with all outputs, by hand: the mean colour, the first two pixels, and the mean colour as logits.
package struct ColorExtractor: FeatureExtractor {
  package let name = "colors"
  package let weightsHash = "none"
  package let preprocessing = "none"
  package let dimension = 3
  package let isComparableWithInception = false
  package let available: FeatureOutputs = [.pooled, .spatial, .logits]

  package init() {}

  package func features(of images: Tensor) -> Tensor { colors(images) }

  package func outputs(_ wanted: FeatureOutputs, of images: Tensor) -> ImageFeatures {
    let (B, h, w, _) = images.dims4
    let all = images.elements
    let first = (0..<B).flatMap { (image: Int) -> ArraySlice<Float> in all[(image * h * w * 3)...].prefix(6) }
    return ImageFeatures(
      pooled_BF: wanted.contains(.pooled) ? colors(images) : nil,
      spatial_BS: wanted.contains(.spatial) ? Tensor(first, [B, 6]) : nil,
      logits_BC: wanted.contains(.logits) ? colors(images) : nil)
  }

  private func colors(_ images: Tensor) -> Tensor {
    let (B, h, w, _) = images.dims4
    let all = images.elements
    var sums = [Float](repeating: 0, count: B * 3)
    for index in all.indices { sums[index / (h * w * 3) * 3 + index % 3] += all[index] / Float(h * w) }
    return Tensor(sums, [B, 3])
  }
}
