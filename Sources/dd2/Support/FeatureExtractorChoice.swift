import Datasets
import Evaluation
import FIDEval

/// The only place that knows which networks there are.
extension FeatureExtractorChoice {
  /// Loads the network that the options ask for.
  ///
  /// Throws `CommandFailure` of code 69 where the weights are not fetched, `ArtifactError` for a bad file.
  /// - Parameter reference: the network and protocol that go with the reference.
  static func load(_ options: ExtractorOptions, for reference: FIDReference.Preference) throws -> Self {
    let network = options.extractor ?? reference.network
    // The reference may have chosen the network.
    if network == .shapes32, options.imageProtocol != nil {
      throw CommandFailure(
        .usage, "--protocol is of the inception network; give --extractor inception, or leave it out")
    }
    return try load(
      network, protocol: options.imageProtocol ?? reference.imageProtocol, weights: options.weights,
      batch: options.batch)
  }

  /// Loads a network, with its usual weights and number of images at a time unless others are given. Throws as above.
  /// - Parameter imageProtocol: of the inception network; the other has one only.
  static func load(
    _ network: FeatureNetwork, protocol imageProtocol: InceptionProtocol, weights: String?, batch: Int? = nil
  ) throws -> Self {
    switch network {
    case .shapes32:
      let path = try weights ?? BundledModels.path(of: .features)
      return Self(
        extractor: try FeatureNetFile.read(path), weightsPath: path, batch: batch ?? 100, protocolName: "shapes32",
        requiredSide: Shapes32.side)
    case .inception:
      let path = try weights ?? InceptionFile.locate()
      return Self(
        extractor: InceptionV3(weights: try InceptionFile.read(path), protocol: imageProtocol), weightsPath: path,
        batch: batch ?? 32, protocolName: imageProtocol.rawValue)
    }
  }
}
