import Artifacts
import Datasets

/// The feature networks.
package enum FeatureNetwork: String, CaseIterable, Sendable {
  case shapes32, inception
}

/// What `--ref` stands for: statistics in a file, images, or both.
package struct FIDReference {
  /// As given.
  package let name: String
  /// Statistics from a file.
  package let statistics: ReferenceStatistics?
  /// A folder of images, or a NumPy file with some.
  package let images: String?
  /// Where it lies.
  package let path: String

  package static let shapesName = "shapes32"
  package static let imageNetName = "imagenet256"

  /// The network and protocol that a reference goes with.
  package struct Preference {
    package let network: FeatureNetwork
    package let imageProtocol: InceptionProtocol

    package init(network: FeatureNetwork = .inception, imageProtocol: InceptionProtocol = .pytorchFID) {
      self.network = network
      self.imageProtocol = imageProtocol
    }
  }

  /// Finds a reference and reads statistics, before any work.
  ///
  /// Throws `ArtifactError` or `FIDError` for a bad file, `FIDError.unknownReference`.
  /// - Parameter path: where a reference with a name of its own lies.
  package init(_ name: String, path: String) throws {
    self.name = name
    self.path = path
    guard let kind = FileAccess.kind(path) else {
      if path != name || name.contains("/") || name.contains(".") { throw ArtifactError.missingFile(path: path) }
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

  /// What goes with this reference: what its statistics say of themselves, else what is usual.
  package var preference: Preference {
    guard let provenance = statistics?.pooled.provenance else {
      return Preference(imageProtocol: name == Self.imageNetName ? .adm : .pytorchFID)
    }
    if provenance.extractor.hasPrefix("shapes32") { return Preference(network: .shapes32) }
    let named = InceptionProtocol.allCases.first { $0.summary == provenance.preprocessing }
    return Preference(imageProtocol: named ?? .pytorchFID)
  }

  /// The statistics of pooled features.
  ///
  /// Throws `FIDError.unfit` where there are images alone.
  package func requireStatistics() throws -> FeatureStatistics {
    guard let statistics else {
      throw FIDError.unfit(
        "--ref \(name): holds images; write their statistics with 'dd2 ref build --images \(name) -o FILE' and give that"
      )
    }
    return statistics.pooled
  }

  /// Throws unless the reference has what the metrics need.
  package func check(_ metrics: [Metric]) throws {
    if images == nil, let metric = metrics.first(where: { $0.reference == .features }) {
      throw FIDError.unfit(
        "--metrics \(metric.rawValue) compares the features of every image, and \(name) holds only their mean and "
          + "covariance; give --ref a folder of images, or an .npz with images in arr_0")
    }
    if let statistics, statistics.spatial == nil, metrics.contains(.sfid) {
      throw FIDError.unfit(
        "--metrics sfid needs mu_s and sigma_s, which \(name) does not hold; give --ref a folder of images, or "
          + "statistics of 'dd2 ref build'")
    }
  }
}
