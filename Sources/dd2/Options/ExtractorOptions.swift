import ArgumentParser
import FIDEval

extension InceptionProtocol: ExpressibleByArgument {}
extension FeatureNetwork: ExpressibleByArgument {}

/// Which features are compared.
struct ExtractorOptions: ParsableArguments {
  @Option(
    help: "The feature network (default: shapes32 with dd2 fid where --ref is of its features, else inception).")
  var extractor: FeatureNetwork?

  @Option(
    name: .customLong("protocol"),
    help: "What is done to images before Inception (default: that of --ref; pytorch-fid where it names none).")
  var imageProtocol: InceptionProtocol?

  @Option(
    help: ArgumentHelp(
      "The weights of the feature network (default: fetched ones for inception, the bundled ones for shapes32).",
      valueName: "file"), completion: .file())
  var weights: String?

  @Option(parsing: .unconditional, help: "Images at a time (default: 32 for inception, 100 for shapes32).")
  var batch: Int?

  func validate() throws {
    if let batch { try Requirement.positive(batch, "--batch") }
    if extractor == .shapes32, imageProtocol != nil {
      throw ValidationError("--protocol is of the inception network; shapes32 has one protocol only")
    }
  }
}
