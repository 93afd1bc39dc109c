import Foundation

/// The files in `Models/` that come with dd2.
///
/// The folder is the value of `DD2_MODELS`, else it lies beside the `weights-manifest.json` found by going up from the
/// current folder, else from the executable's real place, so that `.build/release/dd2` works from anywhere.
enum BundledModels {
  /// One bundled file.
  enum Model: String, CaseIterable {
    case varTeacher = "shapes32-var-teacher.h5"
    case varGenerator = "shapes32-var-generator.h5"
    case llamaGenTeacher = "shapes32-llamagen-teacher.h5"
    case llamaGenGenerator = "shapes32-llamagen-generator.h5"
    case features = "shapes32-features.h5"
    case referenceStatistics = "shapes32-reference-statistics.h5"

    /// What it is called in messages.
    fileprivate var title: String {
      switch self {
      case .varTeacher, .llamaGenTeacher: "teacher"
      case .varGenerator, .llamaGenGenerator: "one-step generator"
      case .features: "feature network"
      case .referenceStatistics: "reference statistics"
      }
    }

    /// The command that makes it anew.
    fileprivate var recipe: String {
      switch self {
      case .varTeacher: "dd2 teacher train"
      case .llamaGenTeacher: "dd2 teacher train --family llamagen"
      case .varGenerator, .llamaGenGenerator: "dd2 distill"
      case .features, .referenceStatistics: "dd2 teacher train --features"
      }
    }
  }

  /// The bundled teachers by name, the default first, each with the generator distilled from it.
  static let teachers: [(name: String, teacher: Model, generator: Model)] = [
    ("shapes32-var", .varTeacher, .varGenerator), ("shapes32-llamagen", .llamaGenTeacher, .llamaGenGenerator),
  ]

  static let manifestName = "weights-manifest.json"

  /// The path of a bundled file.
  /// - Throws: `CommandFailure` where it is not there.
  static func path(of model: Model) throws -> String {
    let path = folder.map { "\($0)/\(model.rawValue)" }
    guard let path, FileManager.default.fileExists(atPath: path) else {
      throw CommandFailure(
        .missingInput,
        "\(path ?? "Models/" + model.rawValue): the bundled \(model.title) is missing; set DD2_MODELS to the "
          + "folder that holds it, or make it with '\(model.recipe)'")
    }
    return path
  }

  /// The manifest that lists the bundled files.
  /// - Throws: `CommandFailure` where there is none.
  static func manifestPath() throws -> String {
    let path = folder.map { URL(fileURLWithPath: $0 + "/../" + manifestName).standardizedFileURL.path }
    guard let path, FileManager.default.fileExists(atPath: path) else {
      throw CommandFailure(
        .missingInput,
        "\(path ?? manifestName): no such file; run dd2 inside its checkout, set DD2_MODELS or give --manifest"
      )
    }
    return path
  }

  /// The folder of the bundled files, nil where none is found.
  private static var folder: String? {
    if let folder = ProcessInfo.processInfo.environment["DD2_MODELS"], !folder.isEmpty { return folder }
    let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent()
    let places = [FileManager.default.currentDirectoryPath, executable.path]
    return places.lazy.compactMap(manifestFolder(above:)).first.map { $0 + "/Models" }
  }

  /// The nearest folder at or above `path` that holds a manifest.
  private static func manifestFolder(above path: String) -> String? {
    var url = URL(fileURLWithPath: path).standardizedFileURL
    while true {
      if FileManager.default.fileExists(atPath: url.appendingPathComponent(manifestName).path) {
        return url.path
      }
      guard url.path != "/" else { return nil }
      url.deleteLastPathComponent()
    }
  }
}
