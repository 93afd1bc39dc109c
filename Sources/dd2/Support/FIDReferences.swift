import Artifacts
import FIDEval

extension FIDReference {
  private static let imageNetEntry = "imagenet256-reference"

  /// Finds a reference and reads statistics, before any work.
  ///
  /// Throws `CommandFailure` of code 69 for one that is not fetched, and what reading a file throws.
  init(_ name: String) throws {
    let path =
      switch name {
      case Self.shapesName: try BundledModels.path(of: .referenceStatistics)
      case Self.imageNetName: try Self.fetchedImageNet()
      default: name
      }
    try self.init(name, path: path)
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
}
