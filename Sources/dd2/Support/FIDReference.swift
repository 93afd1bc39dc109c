import Artifacts
import Datasets
import FIDEval
import Foundation

/// What `--ref` stands for: statistics in a file, images, or both.
struct FIDReference {
  /// As given.
  let name: String
  /// Statistics from a file.
  let statistics: ReferenceStatistics?
  /// A folder of images, or a NumPy file with some.
  let images: String?
  /// Where it lies.
  let path: String

  static let shapesName = "shapes32"
  static let imageNetName = "imagenet256"
  private static let imageNetEntry = "imagenet256-reference"

  /// The network and protocol that a reference goes with.
  struct Preference {
    var network = ExtractorOptions.Network.inception
    var imageProtocol = InceptionProtocol.pytorchFID
  }

  /// Finds a reference and reads statistics, before any work.
  ///
  /// Throws `CommandFailure` of code 69 for one that is not fetched, `ArtifactError` or `FIDError` for a bad file,
  /// `FIDError.unknownReference`.
  init(_ name: String) throws {
    self.name = name
    if name == Self.shapesName {
      path = try BundledModels.path(of: .referenceStatistics)
      (statistics, images) = (try .read(path), nil)
      return
    }
    path = name == Self.imageNetName ? try Self.fetchedImageNet() : name
    guard let kind = FileAccess.kind(path) else {
      if name.contains("/") || name.contains(".") { throw ArtifactError.missingFile(path: name) }
      throw FIDError.unknownReference(name, known: [Self.shapesName, Self.imageNetName])
    }
    if kind == .folder {
      (statistics, images) = (nil, path)
    } else if try ReferenceStatistics.isNumPy(path) {
      let file = try NumPyFile.open(path)
      images = file.entry(ImageInput.arrayName) == nil ? nil : path
      statistics = images == nil || file.entry("mu") != nil ? try .readNumPy(file) : nil
    } else {
      (statistics, images) = (try .read(path), nil)
    }
  }

  private static func fetchedImageNet() throws -> String {
    let entry = try WeightsManifest(reading: try BundledModels.manifestPath()).entry(named: imageNetEntry)
    let path = WeightsFolder.path + "/" + entry.relativePath
    guard FileAccess.exists(path) else {
      throw CommandFailure(
        .unavailable,
        "reference \(imageNetName): \(path) is not fetched yet (from \(entry.urls.first ?? "an unknown place")); run "
          + "'dd2 weights fetch \(imageNetEntry)', or use another --ref")
    }
    return path
  }

  /// What goes with this reference: what its statistics say of themselves, else what is usual.
  var preference: Preference {
    guard let provenance = statistics?.pooled.provenance else {
      return Preference(imageProtocol: name == Self.imageNetName ? .adm : .pytorchFID)
    }
    if provenance.extractor.hasPrefix("shapes32") { return Preference(network: .shapes32) }
    let named = InceptionProtocol.allCases.first { $0.summary == provenance.preprocessing }
    return Preference(imageProtocol: named ?? .pytorchFID)
  }

  /// The statistics of pooled features.
  ///
  /// Throws `CommandFailure` where there are images alone.
  func requireStatistics() throws -> FeatureStatistics {
    guard let statistics else {
      throw CommandFailure(
        .usage,
        "--ref \(name): holds images; write their statistics with 'dd2 ref build --images \(name) -o FILE' and give that"
      )
    }
    return statistics.pooled
  }

  /// Throws unless the reference has what the metrics need.
  func check(_ metrics: [Metric]) throws {
    if images == nil, let metric = metrics.first(where: { $0.reference == .features }) {
      throw CommandFailure(
        .usage,
        "--metrics \(metric.rawValue) compares the features of every image, and \(name) holds only their mean and "
          + "covariance; give --ref a folder of images, or an .npz with images in arr_0")
    }
    if let statistics, statistics.spatial == nil, metrics.contains(.sfid) {
      throw CommandFailure(
        .usage,
        "--metrics sfid needs mu_s and sigma_s, which \(name) does not hold; give --ref a folder of images, or "
          + "statistics of 'dd2 ref build'")
    }
  }
}
