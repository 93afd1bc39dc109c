import Artifacts
import Datasets

/// Why statistics or a distance cannot be computed: `description` is one line that says what, where, and what to do.
public enum FIDError: Error, Equatable, Sendable {
  /// Statistics of two feature extractors, or of one with two preprocessings or weights, were to be compared.
  case differentExtractors(String, String)
  /// Statistics of two feature lengths were to be compared.
  case differentDimensions(Int, Int)
  /// Something holds NaN or infinity.
  case nonFinite(String)
  /// A covariance needs two samples or more.
  case tooFewSamples(Int)
  /// A metric needs more images than there are on one side.
  case tooFewFor(String, needed: Int, found: Int, place: String)
  /// A statistics file lacks something or contradicts itself.
  case invalidStatistics(path: String, detail: String)
  /// There is no reference of that name.
  case unknownReference(String, known: [String])
  /// What was given fits no measurement; the text says why and what to give.
  case unfit(String)
  /// The network's features are of images of another size.
  case wrongSize(path: String, size: ImageInput.Size, extractor: String, side: Int)
  /// The singular values of a product of covariances were not found.
  case notConverged(String)

  /// The exit status of a command that ends with this error, after sysexits(3).
  public var exitCode: Int32 {
    switch self {
    case .differentExtractors, .differentDimensions, .nonFinite, .tooFewSamples, .tooFewFor, .invalidStatistics,
      .wrongSize:
      65
    case .unknownReference, .unfit: 64
    case .notConverged: 70
    }
  }
}

extension FIDError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .differentExtractors(let left, let right):
      "statistics of different features cannot be compared: \(left), and \(right); measure both alike "
        + "(--extractor, --protocol), or rebuild one of them"
    case .differentDimensions(let left, let right):
      "statistics of \(left) and of \(right) features cannot be compared; rebuild one of them"
    case .nonFinite(let what):
      "\(what) holds NaN or infinity; check the images and the feature network's weights"
    case .tooFewSamples(let count):
      "\(count) image(s) have no covariance; give at least 2, for a stable FID 10,000 or more"
    case .tooFewFor(let metric, let needed, let found, let place):
      "\(place): \(metric) of \(found) image(s) cannot be computed; give at least \(needed)"
    case .invalidStatistics(let path, let detail):
      "\(path): not usable as feature statistics (\(detail)); rebuild them with `dd2 ref build`"
    case .unknownReference(let name, let known):
      "no reference named \(name); \(NearestName.question(name, among: known))choose one of "
        + "\(known.joined(separator: ", ")), or give a file or folder"
    case .unfit(let line): line
    case .wrongSize(let path, let size, let extractor, let side):
      "\(path): images are \(size) pixels where the features of \(extractor) are of \(side) x \(side); score images of "
        + "that size, or give --resize \(side)"
    case .notConverged(let what):
      "\(what) could not be decomposed; check that the statistics are sound"
    }
  }
}
