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

extension ImageCrop: ExpressibleByArgument {}

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

  @Option(
    help: ArgumentHelp(
      "Bring them to --resize N as a teacher's family does, and not by scaling: var (the middle, as VAR's) or adm (as ADM's "
        + "and LlamaGen's)."))
  var crop: ImageCrop?

  @Flag(help: "Leave out images that cannot be used; how many is part of the result.")
  var skipBad = false

  func validate() throws {
    guard let crop, resize == nil || resize?.width != resize?.height else { return }
    throw ValidationError("--crop \(crop.rawValue) makes squares; give --resize N with their side")
  }

  /// As the reader takes them.
  var options: ImageInput.Options {
    ImageInput.Options(alpha: alpha == .drop ? .drop : .refuse, skipsBad: skipBad, size: resize, crop: crop)
  }
}
