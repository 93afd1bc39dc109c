import ArgumentParser
import Artifacts
import Datasets

extension ImageInput.Size: ExpressibleByArgument {
  /// `64` or `64x48`, columns first.
  public init?(argument: String) {
    let sides = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard let width = sides.first ?? nil, let height = sides.last ?? nil, sides.count <= 2,
      (1...16384).contains(width), (1...16384).contains(height)
    else { return nil }
    self.init(width: width, height: height)
  }
}

/// How images are read.
struct ImageInputOptions: ParsableArguments {
  /// What `--alpha` takes.
  enum Alpha: String, CaseIterable, ExpressibleByArgument {
    case refuse, drop
  }

  @Option(help: "Images with transparency: refuse them, or drop alpha and keep the colours beneath.")
  var alpha = Alpha.refuse

  @Option(
    help: ArgumentHelp(
      "Bring all images to one size with Pillow's antialiased bicubic filter; the sides are scaled independently.",
      valueName: "n|wxh"))
  var resize: ImageInput.Size?

  @Flag(help: "Leave out images that cannot be used; how many is part of the result.")
  var skipBad = false

  /// Whether any of them was given.
  var isGiven: Bool { alpha != .refuse || resize != nil || skipBad }

  /// As the reader takes them.
  var options: ImageInput.Options {
    ImageInput.Options(alpha: alpha == .drop ? .drop : .refuse, skipsBad: skipBad, size: resize)
  }

  /// Lists and checks images; files that cannot be used are named on stderr, one a line.
  func load(_ path: String, title: String) throws -> ImageInput {
    let input = try Self.checking(title) { try ImageInput(path, options, progress: $0) }
    Self.list(input.bad)
    if input.resizedCount > 0 { Log.info("\(path): \(input.resizedCount) images are resized to \(input.size)") }
    return input
  }

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
        guard total > Self.silentFiles else { return }
        if meter == nil { meter = ProgressMeter("\(title): checking", total: total, unit: "files") }
        meter?.update(done)
      }
    } catch let error as DatasetError {
      meter?.close()
      meter = nil
      if case .badImages(_, let bad, _) = error, bad.count > 1 { Self.list(bad) }
      throw error
    }
  }

  private static let silentFiles = 2000
  private static let listedFiles = 20

  private static func list(_ bad: [ArtifactError]) {
    for error in bad.prefix(listedFiles) { Log.warning(error.description) }
    if bad.count > listedFiles { Log.warning("... and \(bad.count - listedFiles) more") }
  }
}
