import NN
import TensorCore

/// Sizes of a `ShapesFeatureNet`.
public struct ShapesFeatureNetConfiguration: Codable, Equatable, Sendable {
  /// Channels of the convolutions; the last is the number of features.
  public var channels: [Int]
  /// Stride of each convolution.
  public var strides: [Int]
  /// Groups of the normalisations.
  public var groups: Int
  /// Number of classes to tell apart.
  public var classCount: Int
  /// Number of drawing attributes to regress.
  public var attributeCount: Int

  /// The defaults fit `Shapes32`: ten classes and its sixteen attributes, and a last convolution that sees 33 pixels in
  /// each direction, so that a feature can tell a whole shape from its parts.
  public init(
    channels: [Int] = [32, 64, 128, 128, 128], strides: [Int] = [1, 2, 2, 2, 1], groups: Int = 8,
    classCount: Int = 10, attributeCount: Int = 16
  ) {
    precondition(
      channels.count == strides.count, "ShapesFeatureNet: \(channels.count) widths, \(strides.count) strides")
    self.channels = channels
    self.strides = strides
    self.groups = groups
    self.classCount = classCount
    self.attributeCount = attributeCount
  }
}

extension ShapesFeatureNetConfiguration: CheckedSettings {
  public func check() throws(SettingsError) {
    guard channels.count == strides.count else {
      throw SettingsError("channels has \(channels.count) entries where strides has \(strides.count)")
    }
    for (width, stride) in zip(channels, strides) {
      try Setting.within(Setting.widths, width, "one of channels")
      try Setting.divisor(groups, of: width, "groups")
      try Setting.within(Setting.widths, stride, "one of strides")
    }
    try Setting.within(Setting.extents, classCount, "classCount")
    try Setting.within(Setting.extents, attributeCount, "attributeCount")
    let widest = channels.max() ?? 1
    let rows = max(9 * widest, classCount, attributeCount)
    try Setting.within(Setting.weights, rows * widest, "the number of elements of the largest weight")
  }
}

/// A small convolutional network whose pooled features stand in for Inception's on `Shapes32`.
///
/// It learns the class of an image and how the image was drawn (colours, background, size, place): a classifier
/// alone would learn to ignore what a distance between image sets has to notice.
public struct ShapesFeatureNet: Sendable {
  /// What one pass gives.
  public struct Output {
    /// (B, F), averaged over the image.
    public let features: Tensor
    /// (B, classes)
    public let logits: Tensor
    /// (B, attributes)
    public let attributes: Tensor
  }

  /// Sizes of the network.
  public let configuration: ShapesFeatureNetConfiguration
  private let stages: [Stage]
  private let classifier: Linear
  private let regressor: Linear

  /// Registers the parameters.
  public init(_ builder: ParameterBuilder, _ configuration: ShapesFeatureNetConfiguration = .init()) {
    self.configuration = configuration
    let inputs = [3] + configuration.channels.dropLast()
    stages = configuration.channels.indices.map { index in
      Stage(
        builder / "stages" / index, inputs[index], configuration.channels[index],
        stride: configuration.strides[index], configuration.groups)
    }
    let width = configuration.channels.last ?? 3
    classifier = Linear(builder / "classifier", width, configuration.classCount)
    regressor = Linear(builder / "regressor", width, configuration.attributeCount)
  }

  /// Images (B, h, w, 3) in [-1, 1] to features, class logits and attributes.
  public func callAsFunction(_ images_Bhw3: Tensor) -> Output {
    let (B, _, _, _) = images_Bhw3.dims4
    let map_BhwC = stages.reduce(images_Bhw3) { $1($0) }
    let features = map_BhwC.reshaped([B, map_BhwC.shape[1] * map_BhwC.shape[2], map_BhwC.shape[3]])
      .mean(axis: 1)
    return Output(features: features, logits: classifier(features), attributes: regressor(features))
  }

  /// The training loss, a scalar: mean cross-entropy of the classes plus mean squared error of the attributes.
  /// - Parameters:
  ///   - output: what the network gives for B images.
  ///   - labels: B class numbers.
  ///   - attributes: (B, attributes).
  public static func loss(_ output: Output, labels: IndexTensor, attributes: Tensor) -> Tensor {
    crossEntropy(output.logits, targets: labels).mean()
      + (output.attributes - attributes).square().mean()
  }
}

/// Convolution, group normalisation, SiLU.
private struct Stage: Sendable {
  let convolution: Conv2d
  let norm: GroupNorm

  init(_ builder: ParameterBuilder, _ inputs: Int, _ outputs: Int, stride: Int, _ groups: Int) {
    convolution = Conv2d(builder / "conv", inputs, outputs, kernel: 3, stride: stride)
    norm = GroupNorm(builder / "norm", channels: outputs, groups: groups)
  }

  func callAsFunction(_ x_BhwC: Tensor) -> Tensor { norm(convolution(x_BhwC), activation: .silu) }
}

/// A trained `ShapesFeatureNet` as a feature extractor.
public struct ShapesFeatureExtractor: FeatureExtractor {
  private let network: ShapesFeatureNet
  public let weightsHash: String

  /// - Parameter weightsHash: SHA-256 of the file that the weights came from, in hexadecimal.
  public init(_ network: ShapesFeatureNet, weightsHash: String) {
    self.network = network
    self.weightsHash = weightsHash
  }

  public var name: String { "shapes32-net/pool" }
  public var preprocessing: String { "RGB in [-1, 1], no resize" }
  public var dimension: Int { network.configuration.channels.last ?? 3 }
  public var isComparableWithInception: Bool { false }

  public func features(of images: Tensor) -> Tensor {
    Backends.step { withoutGradient { network(images).features } }
  }
}
