import Artifacts
import Foundation

/// The picture grids of a run, small enough for a page.
enum Snapshots {
  /// Grids of a stage that a page shows at most, spread evenly, the last one among them.
  private static let most = 24
  /// Wider grids are made smaller.
  private static let widest = 1400

  /// The grids in a stage's folder.
  /// - Throws: `ArtifactError`.
  static func read(_ run: RunDirectory, stage: String) throws -> [ReportedRun.Snapshot] {
    let steps = try run.snapshotSteps()
    let count = min(steps.count, most)
    return try (0..<count).map { i in
      let step = steps[(i + 1) * steps.count / count - 1]
      let contents = try contents(of: run.snapshotPath(step: step))
      return ReportedRun.Snapshot(
        stage: stage, step: step, image: "data:image/png;base64," + contents.base64EncodedString())
    }
  }

  private static func contents(of path: String) throws -> Data {
    let contents = try FileAccess.contents(of: path)
    let image = try RGBImage.decode(contents, path: path)
    guard image.width > widest else { return contents }
    return image.bicubic(width: widest, height: max(1, image.height * widest / image.width)).encodedPNG()
  }
}
