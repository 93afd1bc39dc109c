import TensorCore

/// A fixed network that turns images into the vectors whose statistics FID compares.
public protocol FeatureExtractor {
  /// Name of the network and layer, such as `inception-v3/pool3`.
  var name: String { get }
  /// SHA-256 of the weights, in hexadecimal.
  var weightsHash: String { get }
  /// What is done to images before the network: resizing, value range.
  var preprocessing: String { get }
  /// Number of features F.
  var dimension: Int { get }
  /// Whether distances may be set beside published FIDs.
  var isComparableWithInception: Bool { get }
  /// Features (B, F) of images (B, h, w, 3) in [-1, 1].
  func features(of images: Tensor) -> Tensor
}

/// Which features statistics are of. Statistics are comparable only where all of it is equal.
public struct FeatureProvenance: Equatable, Sendable, CustomStringConvertible {
  /// Name of the extractor.
  public let extractor: String
  /// SHA-256 of its weights, in hexadecimal.
  public let weightsHash: String
  /// What was done to images before the network.
  public let preprocessing: String

  /// A provenance.
  public init(extractor: String, weightsHash: String, preprocessing: String) {
    self.extractor = extractor
    self.weightsHash = weightsHash
    self.preprocessing = preprocessing
  }

  public var description: String {
    "\(extractor) (weights \(weightsHash.prefix(12)), \(preprocessing))"
  }
}

extension FeatureExtractor {
  /// What statistics of this extractor's features record.
  public var provenance: FeatureProvenance {
    FeatureProvenance(extractor: name, weightsHash: weightsHash, preprocessing: preprocessing)
  }
}
