import TensorCore

/// Inception-V3 as a feature extractor: the network of FID, sFID, Inception Score, KID, precision and recall.
public struct InceptionV3: FeatureExtractor, Sendable {
  /// What is done to images first.
  public let imageProtocol: InceptionProtocol
  /// Where pooled features are taken.
  public let layer: InceptionLayer
  public let weightsHash: String
  private let network: InceptionNetwork

  /// - Parameters:
  ///   - weights: what `InceptionFile.read` gives.
  ///   - imageProtocol: what is done to images first.
  ///   - layer: where pooled features are taken.
  public init(
    weights: InceptionWeights, protocol imageProtocol: InceptionProtocol, layer: InceptionLayer = .mixed7c
  ) {
    network = weights.network
    weightsHash = weights.hash
    self.imageProtocol = imageProtocol
    self.layer = layer
  }

  public var name: String { "inception-v3/\(layer.rawValue)" }
  public var preprocessing: String { imageProtocol.summary }
  public var dimension: Int { layer.rawValue }
  /// Only with the published weights and FID's layer.
  public var isComparableWithInception: Bool { weightsHash == InceptionFile.publishedHash && layer == .mixed7c }
  public var available: FeatureOutputs { [.pooled, .spatial, .logits] }

  public func features(of images: Tensor) -> Tensor {
    guard let pooled = outputs(.pooled, of: images).pooled_BF else { preconditionFailure("InceptionV3: no features") }
    return pooled
  }

  /// Pooled features (B, F), averaged over the image; spatial ones (B, 2023), the first 7 channels of
  /// `Mixed_6d.branch1x1` in the order row, column, channel, as the reference statistics `mu_s` have them
  /// (guided-diffusion, `evaluator.py`); logits (B, 1008) without bias, as torch-fidelity's `logits_unbiased`.
  /// An image's values do not depend on the others in its batch, nor on the number of threads.
  public func outputs(_ wanted: FeatureOutputs, of images: Tensor) -> ImageFeatures {
    precondition(wanted.isSubset(of: available), "\(name): outputs \(wanted) of \(available)")
    let prepared = withoutGradient { imageProtocol.prepare(images) }
    let (B, side, _, _) = prepared.dims4
    let (s, c) = (InceptionNetwork.spatialSide, InceptionNetwork.spatialChannels)
    let pooled = wanted.contains(.pooled) ? Tensor.unfilled([B, dimension]) : nil
    let spatial = wanted.contains(.spatial) ? Tensor.unfilled([B, s * s * c]) : nil
    let logits = wanted.contains(.logits) ? Tensor.unfilled([B, InceptionNetwork.classes]) : nil
    guard !wanted.isEmpty else { return ImageFeatures(pooled_BF: nil) }
    overImages(B, atMost: Self.imagesAtOnce) { range in
      func pixels(_ tensor: Tensor) -> FeatureMap {
        FeatureMap(tensor, images: range, height: 1, width: 1, channels: tensor.shape[1])
      }
      network(
        FeatureMap(prepared, images: range, height: side, width: side, channels: 3),
        InceptionNetwork.Targets(
          pooled: pooled.map { (layer, pixels($0)) },
          spatial: spatial.map { FeatureMap($0, images: range, height: s, width: s, channels: c) },
          logits: logits.map(pixels)))
    }
    return ImageFeatures(pooled_BF: pooled, spatial_BS: spatial, logits_BC: logits)
  }

  /// Enough for weights, 95 MB in all, to be read from memory seldom; few enough for maps to stay small.
  private static let imagesAtOnce = 4
}
