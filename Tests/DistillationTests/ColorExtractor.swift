import FIDEval
import TensorCore

/// A network with all outputs, by hand: the mean colour, the first two pixels, and the mean colour as logits.
struct ColorExtractor: FeatureExtractor {
  let name = "colors"
  let weightsHash = "none"
  let preprocessing = "none"
  let dimension = 3
  let isComparableWithInception = false
  let available: FeatureOutputs = [.pooled, .spatial, .logits]

  func features(of images: Tensor) -> Tensor { colors(images) }

  func outputs(_ wanted: FeatureOutputs, of images: Tensor) -> ImageFeatures {
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
