import Artifacts

/// The files in `Models/` that come with dd2.
///
/// The folder is the value of `DD2_MODELS`, else it lies beside a `weights-manifest.json` at or above the current folder,
/// else at or above the executable's real place, so that `.build/release/dd2` works from anywhere, else in `share/dd2`
/// beside the executable's folder, where `make install` puts it.
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
    if let given = givenFolder {
      let path = "\(given)/\(model.rawValue)"
      if FileAccess.exists(path) { return path }
      throw missing("\(path): the bundled \(model.title) is missing", model)
    }
    if let folder = checkouts.first(where: { FileAccess.exists("\($0)/Models/\(model.rawValue)") }) {
      return "\(folder)/Models/\(model.rawValue)"
    }
    throw missing("Models/\(model.rawValue): the bundled \(model.title) is missing; \(whereLooked)", model)
  }

  private static func missing(_ fault: String, _ model: Model) -> CommandFailure {
    CommandFailure(
      .missingInput, "\(fault); set DD2_MODELS to the folder that holds it, or make it with '\(model.recipe)'")
  }

  /// A manifest that comes with dd2; by default the one that lists the bundled files.
  /// - Throws: `CommandFailure` where there is none.
  static func manifestPath(_ name: String = manifestName) throws -> String {
    let folder = givenFolder.map { FileAccess.resolved($0 + "/..") ?? $0.pathFolder } ?? checkouts.first
    if let folder, FileAccess.exists("\(folder)/\(name)") { return "\(folder)/\(name)" }
    let fault = folder.map { "\($0)/\(name): no such file" } ?? "\(name): \(whereLooked)"
    throw CommandFailure(
      .missingInput, "\(fault); run dd2 inside its checkout, set DD2_MODELS or give --manifest")
  }

  /// The folder that `DD2_MODELS` names.
  private static var givenFolder: String? {
    FileAccess.path(inVariable: "DD2_MODELS")
  }

  /// The folders at and above the current one and the executable's, and the installed one, that hold a manifest and
  /// `Models/`, the nearest first: a manifest alone is none of dd2's.
  private static var checkouts: [String] {
    (places.flatMap(foldersUpward) + [installed].compactMap(\.self)).filter {
      FileAccess.exists("\($0)/\(manifestName)") && FileAccess.exists("\($0)/Models")
    }
  }

  /// The current folder, unless it has been deleted, and the executable's.
  private static var places: [String] {
    [FileAccess.currentFolder, programFolder].compactMap(\.self)
  }

  private static var programFolder: String? { FileAccess.resolved("/proc/self/exe")?.pathFolder }

  /// Where `make install` puts what comes with dd2.
  private static var installed: String? { programFolder.map { $0.pathFolder + "/share/dd2" } }

  private static var whereLooked: String {
    "no folder at or above \(places.joined(separator: " or ")) holds \(manifestName) and Models/ with it"
  }

  /// A folder and those above it, each without a slash at its end.
  private static func foldersUpward(_ path: String) -> [String] {
    let names = path.split(separator: "/")
    return (0...names.count).reversed().map { names.prefix($0).map { "/" + $0 }.joined() }
  }

}
