/// What `dd2 fid` measures.
public enum Metric: String, CaseIterable, Sendable {
  /// Frechet distance of pooled features (Heusel et al. 2017).
  case fid
  /// Frechet distance of spatial features (Nash et al. 2021).
  case sfid
  /// Inception Score (Salimans et al. 2016).
  case inceptionScore = "is"
  /// Kernel distance (Binkowski et al. 2018).
  case kid
  /// Improved precision and recall (Kynkaanniemi et al. 2019).
  case precisionRecall = "pr"

  /// What a metric needs of the reference.
  public enum ReferenceNeed: Sendable {
    /// Nothing.
    case none
    /// Mean and covariance.
    case moments
    /// The features of every image.
    case features
  }

  /// Its name in messages.
  public var title: String {
    switch self {
    case .fid: "FID"
    case .sfid: "sFID"
    case .inceptionScore: "the Inception Score"
    case .kid: "KID"
    case .precisionRecall: "precision and recall"
    }
  }

  /// How many images it needs on each side that it needs at all.
  public var fewestImages: Int {
    switch self {
    case .fid, .sfid, .kid: 2
    case .inceptionScore: 10
    case .precisionRecall: 4
    }
  }

  /// Throws `FIDError.tooFewFor` unless it can be had of so many images.
  /// - Parameter place: where they are.
  public func require(_ count: Int, in place: String) throws {
    guard count < fewestImages else { return }
    throw FIDError.tooFewFor(title, needed: fewestImages, found: count, place: place)
  }

  /// What it needs of the feature network.
  public var outputs: FeatureOutputs {
    switch self {
    case .fid, .kid, .precisionRecall: .pooled
    case .sfid: .spatial
    case .inceptionScore: .logits
    }
  }

  /// What it needs of the reference.
  public var reference: ReferenceNeed {
    switch self {
    case .inceptionScore: .none
    case .fid, .sfid: .moments
    case .kid, .precisionRecall: .features
    }
  }
}

extension Collection<Metric> {
  /// What all of them need of the feature network.
  public var outputs: FeatureOutputs { reduce(into: []) { $0.formUnion($1.outputs) } }

  /// Whether one of them needs this of the reference.
  public func need(_ what: Metric.ReferenceNeed) -> Bool { contains { $0.reference == what } }
}
