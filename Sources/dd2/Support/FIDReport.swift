import Datasets
import FIDEval
import Foundation
import TensorCore
import Training

/// What `dd2 fid` found, and everything that it depends on.
struct FIDReport: Encodable {
  /// A score with the deviation of its parts.
  struct Score: Encodable {
    let mean: Double
    let deviation: Double
    /// Parts that the images were split into, for the Inception Score.
    var splits: Int?
    /// Random subsets and their images, for KID.
    var subsets: Int?
    var subsetSize: Int?
  }

  /// The images of one side.
  struct Side: Encodable {
    /// Images behind the statistics; nil where their file does not say.
    var count: Int?
    /// Images whose features were compared one by one, where they are not those behind the statistics.
    var featureCount: Int?
    /// Files left out with --skip-bad.
    var skipped: Int?
    /// Images brought to the size of --resize.
    var resized: Int?
    var width: Int?
    var height: Int?
    var imagesPerSecond: Double?
    /// Whether the statistics come from the cache.
    var cached: Bool?
  }

  var fid: Double?
  var sfid: Double?
  var inceptionScore: Score?
  var kid: Score?
  var precision: Double?
  var recall: Double?
  /// k of precision and recall.
  var neighbours: Int?

  var reference: String?
  var referenceCount: Int?
  var referenceDetails: Side?
  var images: String
  var count: Int?
  var imagesDetails = Side()
  var extractor: String
  var dimension: Int
  /// Name of the protocol, and what it does.
  var `protocol`: String
  var preprocessing: String
  var weightsSha256: String
  var comparableWithInception: Bool
  var alpha: String
  var resize: String?
  var batch: Int
  var seed: UInt32
  var threads = ThreadPool.shared.threadCount
  var warnings: [String] = []
  var command = commandLine
  var createdBy = DD2Version.description

  /// Adds a warning to the result and shows it on stderr.
  mutating func warn(_ text: String) {
    warnings.append(text)
    Log.warning(text)
  }

  /// What to say of statistics of fewer images than features; nil where there are enough.
  /// - Parameter place: where the images are.
  static func rankWarning(_ count: Int, in place: String, dimension: Int) -> String? {
    guard count < dimension else { return nil }
    return "WARNING: \(count) images in \(place) for \(dimension) features: the covariance has no full rank and the "
      + "distance says little; give \(dimension) images at the very least"
  }

  /// Says where a covariance has too few images, and that FID is biased.
  mutating func warnOfCount(_ count: Int, in place: String) {
    if let text = Self.rankWarning(count, in: place, dimension: dimension) { warn(text) }
    if count < Self.usualCount {
      warn(
        "note: FID of \(count) images in \(place) is biased upward against \(Self.usualCount), by how much is "
          + "unknown; compare only with as many")
    }
  }

  private static let usualCount = 50_000

  /// Says where precision and recall are of few images. They are shares of the images, uncertain by up to
  /// 0.5 / sqrt(n), which below 1,000 reaches the second decimal, and the balls shrink as images become more.
  mutating func warnOfPrecision(_ count: Int, in place: String) {
    guard count < Self.fewForPrecision else { return }
    warn(
      "note: precision and recall of \(count) images in \(place) are uncertain by up to "
        + String(format: "%.2f", 0.5 / Double(count).squareRoot())
        + ", and depend on their number; give \(Self.fewForPrecision) or more, as many on both sides")
  }

  private static let fewForPrecision = 1000

  /// Says where the Inception Score is of few images: that of a part cannot exceed its number of images, so that parts
  /// of fewer images than there are classes never reach the top of the scale. Published ones are of 5,000 each.
  mutating func warnOfScore(_ count: Int, splits: Int, in place: String) {
    guard count < Self.fewForScore * splits else { return }
    warn(
      "note: the Inception Score of \(count) images in \(place) is of \(splits) parts of \(count / splits), which "
        + "it cannot exceed; published ones are of 5000 each, and compare only with as many")
  }

  /// ImageNet's classes, which the score's network tells apart.
  private static let fewForScore = 1000

  /// Says where `samples.json` in a folder tells of other images than the folder holds, as after two commands that
  /// wrote into it, or one that was interrupted.
  mutating func warnOfRecord(in folder: String, holding count: Int) {
    guard let record = SampleRecord.Progress(in: folder), record.count != count || record.completed != count else {
      return
    }
    let told = record.count == record.completed ? "\(record.count)" : "\(record.completed) of \(record.count)"
    warn(
      "WARNING: \(folder) holds \(count) images, and its samples.json tells of \(told); draw them anew, or make sure "
        + "that they are the ones you mean")
  }

  /// The result as text, a metric a line.
  var text: String {
    var lines: [String] = []
    if let fid { lines.append(String(format: "FID %.4f", fid)) }
    if let sfid { lines.append(String(format: "sFID %.4f", sfid)) }
    if let score = inceptionScore { lines.append(String(format: "IS %.4f +- %.4f", score.mean, score.deviation)) }
    if let score = kid {
      lines.append(
        String(format: "KID %.6f +- %.6f", score.mean, score.deviation)
          + " (\(score.subsets ?? 0) subsets of \(score.subsetSize ?? 0))")
    }
    if let precision, let recall {
      lines.append(String(format: "precision %.4f, recall %.4f", precision, recall) + " (k = \(neighbours ?? 0))")
    }
    let caution = comparableWithInception ? "" : "; not comparable with Inception FID"
    let target = reference.map { " to \($0)" + (referenceCount.map { " (\($0) images)" } ?? "") } ?? ""
    let left = imagesDetails.skipped.map { $0 > 0 ? ", \($0) left out" : "" } ?? ""
    lines.append(
      "\(count.map { "\($0) images" } ?? "an unknown number of images") in \(images)\(left)\(target) (features: "
        + "\(extractor), weights \(weightsSha256.prefix(12)), protocol \(`protocol`)\(caution))")
    return lines.joined(separator: "\n")
  }
}
