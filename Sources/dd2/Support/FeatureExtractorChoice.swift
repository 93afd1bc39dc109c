import Artifacts
import Datasets
import Distillation
import FIDEval
import Foundation

/// The feature network of a measurement: the only place that knows which there are.
struct FeatureExtractorChoice {
  let extractor: any FeatureExtractor
  /// The file that its weights come from.
  let weightsPath: String
  /// Images at a time.
  let batch: Int
  /// The protocol's name, for the result.
  let protocolName: String
  /// The size of images that the network takes; nil for any.
  let requiredSide: Int?

  /// Loads the network that the options ask for.
  ///
  /// Throws `CommandFailure` of code 69 where the weights are not fetched, `ArtifactError` for a bad file.
  /// - Parameter reference: the network and protocol that go with the reference, where it tells.
  static func load(_ options: ExtractorOptions, for reference: FIDReference.Preference) throws -> Self {
    switch options.extractor ?? reference.network {
    case .shapes32:
      // The reference may have chosen the network.
      if options.imageProtocol != nil {
        throw CommandFailure(
          .usage, "--protocol is of the inception network; give --extractor inception, or leave it out")
      }
      let path = try options.weights ?? BundledModels.path(of: .features)
      return Self(
        extractor: try FeatureNetFile.read(path), weightsPath: path, batch: options.batch ?? 100,
        protocolName: "shapes32", requiredSide: Shapes32.side)
    case .inception:
      return try inception(options, imageProtocol: options.imageProtocol ?? reference.imageProtocol)
    }
  }

  private static func inception(
    _ options: ExtractorOptions, imageProtocol: InceptionProtocol
  ) throws -> Self {
    let path = try options.weights ?? InceptionFile.locate()
    return Self(
      extractor: InceptionV3(weights: try InceptionFile.read(path), protocol: imageProtocol), weightsPath: path,
      batch: options.batch ?? 32, protocolName: imageProtocol.rawValue, requiredSide: nil)
  }
}
