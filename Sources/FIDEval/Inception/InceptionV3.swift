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
    guard !wanted.isEmpty else { return ImageFeatures(pooled_BF: nil) }
    precondition(images.shape[0] > 0, "\(name): no images")
    let slices = withoutGradient {
      stride(from: 0, to: images.shape[0], by: Backends.current.imagesAtOnce).map { first in
        let range = first..<min(first + Backends.current.imagesAtOnce, images.shape[0])
        let slice_BhwC = images.sliced(axis: 0, range)
        return Backends.step { network(imageProtocol.prepare(slice_BhwC), wanted, pooledAt: layer) }
      }
    }
    func joined(_ part: (ImageFeatures) -> Tensor?) -> Tensor? {
      let parts = slices.compactMap(part)
      return parts.isEmpty ? nil : .concatenated(parts, axis: 0)
    }
    return ImageFeatures(
      pooled_BF: joined(\.pooled_BF), spatial_BS: joined(\.spatial_BS), logits_BC: joined(\.logits_BC))
  }
}
