import Artifacts
import Processes
import Reporting

/// Checks of where results go, made before the work whose result would be lost, in the process of a job that writes them.
enum Outputs {
  /// What a file holds that a command writes.
  enum Kind: String {
    case features, images, logits, page, pairs, teacher, tokens
    case statistics = "feature-statistics"
    case dd1Generator = "dd1-generator"

    /// Attributes and datasets by which HDF5 files of the kind are known; those of checkpoints say it themselves.
    fileprivate static let datasets: [(name: String, kind: Kind)] = [
      ("ids", .tokens), ("logits", .logits), ("images", .images), ("mu", .statistics),
    ]
  }

  /// Checks the place of a file that will be written, if one is asked for.
  /// - Parameters:
  ///   - inputs: files that are read.
  ///   - kind: what will be written.
  ///   - option: by which the file was given.
  /// - Throws: `CommandFailure` where `output` is one of the inputs or a file of another kind, `ArtifactError.cannotCreate`
  ///   where nothing can be written there.
  static func check(_ output: String?, option: String, as kind: Kind, inputs: [String]) throws {
    guard ProcessGroup.current.isFirst, let output else { return }
    try checkPlace(output, option: option, inputs: inputs)
    guard let status = try FileAccess.status(output), status.st_size > 0 else { return }
    let found = try Self.kind(of: output)
    guard found == kind else {
      throw CommandFailure(
        .cannotCreate,
        "\(option) \(output): is there already and holds \(found?.rawValue ?? "something else"), not \(kind.rawValue); "
          + "choose another name, or remove it")
    }
  }

  /// The part of `check` that needs no word of what will be written.
  /// - Throws: as `check`.
  static func checkPlace(_ output: String, option: String, inputs: [String]) throws {
    guard ProcessGroup.current.isFirst else { return }
    if let input = inputs.first(where: { FileAccess.areSame($0, output) }) {
      throw CommandFailure(.usage, "\(option) \(output): is the file \(input) that is read; choose another name")
    }
    try AtomicFile.requirePlace(for: output)
  }

  /// What a file holds; nil for anything that no command writes.
  private static func kind(of path: String) throws -> Kind? {
    switch try FileKind(ofFile: path) {
    case .hdf5: return try kindOfHDF5(path)
    case .numPyArchive: return try? NumPyFile.open(path).entry("mu").map { _ in .statistics }
    default: return try FileAccess.start(of: path, count: ReportPage.start.count) == ReportPage.start ? .page : nil
    }
  }

  /// - Throws: `ArtifactError` for a file that another process works with.
  private static func kindOfHDF5(_ path: String) throws -> Kind? {
    do {
      return try kind(of: try HDF5File(reading: path))
    } catch let error as ArtifactError {
      guard error == .leftOpen(path: path) || error == .inUse(path: path) else { return nil }
      throw error
    }
  }

  private static func kind(of file: HDF5File) throws -> Kind? {
    let attributes = try file.attributes()
    if attributes["noise_seed"] != nil { return .pairs }
    let named = attributes["kind"]?.string.flatMap(Kind.init)
    return try named ?? Kind.datasets.first { try file.contains($0.name) }?.kind
  }
}
