import FIDEval
import Foundation
import TensorCore
import Training

/// What `dd2 fid` prints: what was found, and everything that it depends on.
struct FIDOutput: Encodable {
  private let report: FIDReport
  private let setting: Setting

  /// What the numbers depend on.
  struct Setting: Encodable {
    let reference: String?
    let images: String
    let extractor: String
    let dimension: Int
    /// Name of the protocol, and what it does.
    let `protocol`: String
    let preprocessing: String
    let weightsSha256: String
    let comparableWithInception: Bool
    let alpha: String
    let resize: String?
    let crop: String?
    let batch: Int
    let seed: UInt32
    var threads = ThreadPool.shared.threadCount
    var command = commandLine
    var createdBy = DD2Version.description
  }

  init(_ report: FIDReport, _ setting: Setting) { (self.report, self.setting) = (report, setting) }

  /// The fields of both, side by side.
  func encode(to encoder: any Encoder) throws {
    try report.encode(to: encoder)
    try setting.encode(to: encoder)
  }

  /// The result as text, a metric a line.
  var text: String {
    var lines: [String] = []
    if let fid = report.fid { lines.append(String(format: "FID %.4f", fid)) }
    if let sfid = report.sfid { lines.append(String(format: "sFID %.4f", sfid)) }
    if let score = report.inceptionScore {
      lines.append(String(format: "IS %.4f +- %.4f", score.mean, score.deviation))
    }
    if let score = report.kid {
      lines.append(
        String(format: "KID %.6f +- %.6f", score.mean, score.deviation)
          + " (\(score.subsets ?? 0) subsets of \(score.subsetSize ?? 0))")
    }
    if let precision = report.precision, let recall = report.recall {
      lines.append(
        String(format: "precision %.4f, recall %.4f", precision, recall) + " (k = \(report.neighbours ?? 0))")
    }
    let caution = setting.comparableWithInception ? "" : "; not comparable with Inception FID"
    let target = setting.reference.map { " to \($0)" + (report.referenceCount.map { " (\($0) images)" } ?? "") } ?? ""
    let left = report.imagesDetails.skipped.map { $0 > 0 ? ", \($0) left out" : "" } ?? ""
    let count = report.count.map { "\($0) images" } ?? "an unknown number of images"
    lines.append(
      "\(count) in \(setting.images)\(left)\(target) (features: \(setting.extractor), weights "
        + "\(setting.weightsSha256.prefix(12)), protocol \(setting.protocol)\(caution))")
    return lines.joined(separator: "\n")
  }
}
