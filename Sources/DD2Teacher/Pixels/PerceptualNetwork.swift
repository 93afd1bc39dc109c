import NN
import TensorCore

/// A small classifier whose feature maps give the tokenizer's feature loss.
///
/// It is never the network that scores: a FID measured in features that were trained against says nothing.
public struct PerceptualNetwork: Sendable {
  /// All weights.
  public let parameters: ParameterSet
  private let stages: [(conv: Conv2d, norm: GroupNorm)]
  private let classifier: Linear

  private static let widths = [24, 48, 64]

  /// Builds the network for images with `classCount` classes.
  public init(classCount: Int, seed: UInt64) {
    parameters = ParameterSet()
    let builder = ParameterBuilder(parameters, seed: seed)
    var inputs = 3
    stages = Self.widths.enumerated().map { index, width in
      defer { inputs = width }
      let stage = builder / "stages" / index
      return (
        Conv2d(stage / "conv", inputs, width, kernel: index == 0 ? 5 : 3, stride: index == 0 ? 1 : 2),
        GroupNorm(stage / "norm", channels: width, groups: 8)
      )
    }
    classifier = Linear(builder / "classifier", inputs, classCount)
  }

  /// Feature maps (B, h, w, C) of every stage, finest first.
  public func features(_ images_BhwC: Tensor) -> [Tensor] {
    var x = images_BhwC
    return stages.map { conv, norm in
      x = norm(conv(x), activation: .silu)
      return x
    }
  }

  /// Class logits (B, classes) from the average of the coarsest map.
  public func logits(_ images_BhwC: Tensor) -> Tensor {
    let maps = features(images_BhwC)
    let (B, h, w, C) = maps[maps.count - 1].dims4
    return classifier(maps[maps.count - 1].reshaped([B, h * w, C]).mean(axis: 1))
  }

  /// Mean squared distance of the feature maps of two batches, averaged over the stages. Group normalisation has
  /// already brought the stages to one scale.
  public func distance(_ images: Tensor, to targets: Tensor) -> Tensor {
    let references = withoutGradient { features(targets) }
    let distances = zip(features(images), references).map { ($0 - $1).square().mean() }
    return distances.dropFirst().reduce(distances[0], +) / Float(distances.count)
  }
}
