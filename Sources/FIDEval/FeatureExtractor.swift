import TensorCore

/// What a feature network can yield of one pass over images.
public struct FeatureOutputs: OptionSet, Sendable {
  public let rawValue: Int

  public init(rawValue: Int) { self.rawValue = rawValue }

  /// The pooled features of FID, KID, precision and recall.
  public static let pooled = FeatureOutputs(rawValue: 1)
  /// The spatial features of sFID.
  public static let spatial = FeatureOutputs(rawValue: 2)
  /// The class logits of the Inception Score.
  public static let logits = FeatureOutputs(rawValue: 4)
}

/// What one pass over a batch of images yielded: what was asked for, the rest nil.
public struct ImageFeatures {
  /// Pooled features (B, F).
  public let pooled_BF: Tensor?
  /// Spatial features (B, S), flattened in the order row, column, channel, as the published `mu_s` are.
  public let spatial_BS: Tensor?
  /// Class logits (B, C).
  public let logits_BC: Tensor?

  /// The features of one batch.
  public init(pooled_BF: Tensor?, spatial_BS: Tensor? = nil, logits_BC: Tensor? = nil) {
    self.pooled_BF = pooled_BF
    self.spatial_BS = spatial_BS
    self.logits_BC = logits_BC
  }
}

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
  /// What `outputs` can be asked for.
  var available: FeatureOutputs { get }
  /// Features (B, F) of images (B, h, w, 3) in [-1, 1].
  func features(of images: Tensor) -> Tensor
  /// All of `wanted`, which `available` must hold, in one pass over images (B, h, w, 3) in [-1, 1].
  func outputs(_ wanted: FeatureOutputs, of images: Tensor) -> ImageFeatures
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
  public var available: FeatureOutputs { .pooled }

  public func outputs(_ wanted: FeatureOutputs, of images: Tensor) -> ImageFeatures {
    precondition(wanted.isSubset(of: available), "\(name): outputs \(wanted) of \(available)")
    return ImageFeatures(pooled_BF: features(of: images))
  }

  /// What statistics of this extractor's features record.
  public var provenance: FeatureProvenance {
    FeatureProvenance(extractor: name, weightsHash: weightsHash, preprocessing: preprocessing)
  }

  /// Throws `FIDError` unless statistics are of this extractor's features, as far as they say.
  /// - Parameter place: where the statistics are, for the error.
  public func requireSameFeatures(as statistics: FeatureStatistics, in place: String) throws {
    if let recorded = statistics.provenance, recorded != provenance {
      throw FIDError.differentExtractors("\(place) of \(recorded)", "\(provenance)")
    }
    guard statistics.dimension == dimension else {
      throw FIDError.differentDimensions(statistics.dimension, dimension)
    }
  }
}
