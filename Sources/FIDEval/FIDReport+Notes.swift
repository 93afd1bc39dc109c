import Datasets
import Foundation

/// What is to be said of measurements whose numbers mislead: each is nil where there is nothing to say.
extension FIDReport {
  /// Of statistics of fewer images than features.
  /// - Parameter place: where the images are.
  package static func rankWarning(_ count: Int, in place: String, dimension: Int) -> String? {
    guard count < dimension else { return nil }
    return "WARNING: \(count) images in \(place) for \(dimension) features: the covariance has no full rank and the "
      + "distance says little; give \(dimension) images at the very least"
  }

  /// Of images in JPEG: Parmar et al. (arXiv 2104.11222) measured how much its compression alone moves FID.
  package static func jpegWarning(_ count: Int, of all: Int, in place: String) -> String? {
    guard count > 0 else { return nil }
    return "WARNING: \(count) of \(all) images in \(place) are JPEG, whose compression changes FID; compare only with "
      + "numbers of images that were stored in the same way"
  }

  /// Of fewer images than published FIDs are of.
  static func biasNote(_ count: Int, in place: String) -> String? {
    guard count < usualCount else { return nil }
    return "note: FID of \(count) images in \(place) is biased upward against \(usualCount), by how much is unknown; "
      + "compare only with as many"
  }

  private static let usualCount = 50_000

  /// Of precision and recall of few images. They are shares of the images, uncertain by up to 0.5 / sqrt(n), which below
  /// 1,000 reaches the second decimal, and the balls shrink as images become more.
  static func precisionNote(_ count: Int, in place: String) -> String? {
    guard count < fewForPrecision else { return nil }
    return "note: precision and recall of \(count) images in \(place) are uncertain by up to "
      + String(format: "%.2f", 0.5 / Double(count).squareRoot())
      + ", and depend on their number; give \(fewForPrecision) or more, as many on both sides"
  }

  private static let fewForPrecision = 1000

  /// Of the Inception Score of few images: that of a part cannot exceed its number of images, so that parts of fewer
  /// images than there are classes never reach the top of the scale. Published ones are of 5,000 each.
  static func scoreNote(_ count: Int, splits: Int, in place: String) -> String? {
    guard count < fewForScore * splits else { return nil }
    return "note: the Inception Score of \(count) images in \(place) is of \(splits) parts of \(count / splits), which "
      + "it cannot exceed; published ones are of 5000 each, and compare only with as many"
  }

  /// ImageNet's classes, which the score's network tells apart.
  private static let fewForScore = 1000

  /// Of a folder whose `samples.json` lists other images than the folder holds, as after two commands that wrote into
  /// it, or one that was interrupted.
  static func recordWarning(_ count: Int, in folder: String) -> String? {
    guard let record = SampleProgress(in: folder), record.count != count || record.completed != count else {
      return nil
    }
    let recorded = record.count == record.completed ? "\(record.count)" : "\(record.completed) of \(record.count)"
    return
      "WARNING: \(folder) holds \(count) images, and its samples.json lists \(recorded); draw them anew, or make "
      + "sure that they are the ones you mean"
  }
}
