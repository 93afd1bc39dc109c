import Artifacts
import Datasets
import Foundation

/// Statistics of folders that were references before, in `dd2/statistics` under `XDG_CACHE_HOME`, else `~/.cache`.
///
/// A file's name is a hash of everything that its numbers follow from: names, sizes, times and inodes of the images, how
/// they are read, and the feature network. So it is never wrong, only no longer asked for.
struct StatisticsCache {
  private let path: String

  /// The place for a folder's statistics; nil where there is no place for caches.
  init?(folder: String, _ options: ImageInput.Options, _ extractor: any FeatureExtractor, metrics: [Metric]) throws {
    guard let root = Self.root else { return nil }
    let images = try ImageInput.fingerprint(folder, options)
    let key = Fingerprint.of([
      "1", images, extractor.name, extractor.weightsHash, extractor.preprocessing,
      "\(metrics.contains(.fid)) \(metrics.contains(.sfid))",
    ])
    path = "\(root)/dd2/statistics/\(key).h5"
  }

  private static var root: String? {
    let environment = ProcessInfo.processInfo.environment
    if let given = environment["XDG_CACHE_HOME"], given.hasPrefix("/") { return given }
    return environment["HOME"].flatMap { $0.isEmpty ? nil : $0 + "/.cache" }
  }

  /// What was kept; nil where nothing was, or it cannot be read.
  func read() -> ReferenceStatistics? { try? ReferenceStatistics.read(path) }

  /// Keeps statistics. That there is no room for them is worth a line and no more.
  func write(_ statistics: ReferenceStatistics, _ observer: any MeasurementObserver) {
    do {
      try FileAccess.makeFolder(path.pathFolder)
      try observer.writing { try statistics.write(path) }
    } catch {
      observer.warn("the reference's statistics are not kept for the next time (\(path) cannot be written)")
    }
  }
}
