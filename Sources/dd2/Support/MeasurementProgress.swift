import Artifacts
import Datasets
import FIDEval

/// Shows the progress of a measurement of images.
final class MeasurementProgress: MeasurementObserver {
  private var meter: ProgressMeter?

  private static let listedFiles = 20

  func checking<Images>(_ title: String, _ check: ((Int, Int) throws -> Void) throws -> Images) throws -> Images {
    try Self.checking(title, check)
  }

  private static let silentFiles = 2000

  /// Shows the progress of a check of image files; those that cannot be used are named on stderr, one a line.
  /// - Parameter check: is given what it must call with the files checked and all files.
  /// - Returns: what `check` returns.
  static func checking<Images>(
    _ title: String, _ check: ((Int, Int) throws -> Void) throws -> Images
  ) throws -> Images {
    var meter: ProgressMeter?
    defer { meter?.close() }
    do {
      return try check { done, total in
        // A short check needs no bar.
        guard total > silentFiles else { return }
        if meter == nil { meter = ProgressMeter("\(title): checking", total: total, unit: "files") }
        meter?.update(done)
      }
    } catch let error as DatasetError {
      meter?.close()
      meter = nil
      if case .badImages(_, let bad, _) = error, bad.count > 1 { list(bad) }
      throw error
    }
  }

  func checked(_ images: ImageInput) {
    Self.list(images.bad)
    guard images.resizedCount > 0 else { return }
    let how = images.options.crop.map { "cropped (--crop \($0.rawValue))" } ?? "resized"
    note("\(images.path): \(images.resizedCount) images are \(how) to \(images.size)")
  }

  private static func list(_ bad: [ArtifactError]) {
    for error in bad.prefix(listedFiles) { Log.warning(error.description) }
    if bad.count > listedFiles { Log.warning("... and \(bad.count - listedFiles) more") }
  }

  func begin(_ title: String, total: Int, unit: String) { meter = ProgressMeter(title, total: total, unit: unit) }
  func advance(_ done: Int) { meter?.update(done) }
  func end() {
    meter?.close()
    meter = nil
  }
  func note(_ text: String) { Log.info(text) }
  func warn(_ text: String) { if let meter { meter.warn(text) } else { Log.warning(text) } }
  func writing(_ body: () throws -> Void) throws { try Interrupts.deferringSignals(body) }
}
