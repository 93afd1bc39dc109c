import Artifacts
import Foundation

/// Images to be measured: the PNG and JPEG files of a folder, checked one by one before any work, or the array `arr_0` (N, h, w, 3)
/// of a NumPy file. The processes of a job make it together, and each checks a part of the files.
public struct ImageInput: Sendable {
  /// How images are read.
  public struct Options: Equatable, Sendable {
    /// What to do with transparency.
    public var alpha: RGBImage.AlphaPolicy
    /// Whether files that cannot be used are left out instead of being an error.
    public var skipsBad: Bool
    /// Columns and rows that all images are brought to; nil leaves them as they are.
    public var size: Size?
    /// How they are brought to that size, which is square then; nil scales the sides independently.
    public var crop: ImageCrop?

    public init(
      alpha: RGBImage.AlphaPolicy = .refuse, skipsBad: Bool = false, size: Size? = nil, crop: ImageCrop? = nil
    ) {
      precondition(crop == nil || size != nil && size?.width == size?.height, "ImageInput: a crop needs a square")
      (self.alpha, self.skipsBad, self.size, self.crop) = (alpha, skipsBad, size, crop)
    }

    /// An image as it is measured, where it is brought to a size.
    func fitted(_ image: RGBImage) -> RGBImage {
      guard let size else { return image }
      if let crop { return crop.cropped(image, side: size.width) }
      let isRight = image.width == size.width && image.height == size.height
      return isRight ? image : image.bicubic(width: size.width, height: size.height)
    }

    /// Whether images of `found` are measured as other ones.
    func changes(_ found: Size) -> Bool { size.map { $0 != found || crop?.changesSquares == true } ?? false }
  }

  /// The size of an image.
  public struct Size: Equatable, Sendable, CustomStringConvertible {
    public let width: Int
    public let height: Int

    public init(width: Int, height: Int) { (self.width, self.height) = (width, height) }

    public var description: String { "\(width) x \(height)" }
  }

  enum Source: Sendable {
    case files([String])
    case array(NumPyFile)
  }

  /// Name of the array of images in a NumPy file.
  public static let arrayName = "arr_0"

  /// Where they are.
  public let path: String
  /// Number of images that can be used, as far as checking tells.
  public let count: Int
  /// Size of the images when read.
  public let size: Size
  /// Images that are scaled.
  public let resizedCount: Int
  /// Those that are JPEG files, whose losses change FID.
  public let jpegCount: Int
  /// Files that cannot be used, with the reason.
  public let bad: [ArtifactError]
  let source: Source
  /// How they are read.
  public let options: Options

  /// Lists and checks.
  ///
  /// Throws `DatasetError.missingFolder`, `.noImages`, `.badImages` unless bad ones are skipped, `.mixedSizes` unless
  /// they are resized, `ArtifactError` for a NumPy file that cannot be used, and what `progress` throws.
  /// - Parameter progress: called with the files checked and all files.
  public init(_ path: String, _ options: Options, progress: (Int, Int) throws -> Void = { _, _ in }) throws {
    switch FileAccess.kind(path) {
    case .folder, nil: try self.init(folder: path, options, progress)
    case .file, .pipe, .special: try self.init(array: path, options)
    }
  }

  private init(array path: String, _ options: Options) throws {
    let file = try NumPyFile.open(path)
    let images = try file.images(Self.arrayName)
    let stored = Size(width: images.width, height: images.height)
    (self.path, self.options) = (path, options)
    (source, count, bad, jpegCount) = (.array(file), images.count, [], 0)
    size = options.size ?? stored
    resizedCount = options.changes(stored) ? images.count : 0
  }

  private init(folder path: String, _ options: Options, _ progress: (Int, Int) throws -> Void) throws {
    let files = try ImageListing(path).files.map { "\(path)/\($0.name)" }
    let checks = try ImageCheck.sharedResults(files, alpha: options.alpha, progress: progress)
    var good: [(path: String, size: Size, format: ImageFileCheck.Format)] = []
    var bad: [ArtifactError] = []
    for (file, check) in zip(files, checks) {
      switch check {
      case .success(let check): good.append((file, Size(width: check.width, height: check.height), check.format))
      case .failure(let error): bad.append(error)
      }
    }
    guard bad.isEmpty || options.skipsBad else {
      throw DatasetError.badImages(path: path, bad, count: files.count)
    }
    guard let first = good.first else { throw DatasetError.badImages(path: path, bad, count: files.count) }
    let size = options.size ?? first.size
    if options.size == nil, let other = good.first(where: { $0.size != first.size }) {
      throw DatasetError.mixedSizes(
        path: other.path, expected: [first.size.height, first.size.width],
        found: [other.size.height, other.size.width])
    }
    (self.path, self.options, self.size, self.bad) = (path, options, size, bad)
    (source, count) = (.files(good.map(\.path)), good.count)
    resizedCount = good.count { options.changes($0.size) }
    jpegCount = good.count { $0.format == .jpeg }
  }

  /// How many images of a folder are JPEG files, by their first bytes. Throws as `init` does for what cannot be listed or
  /// opened.
  public static func jpegCount(in path: String) throws -> Int {
    try ImageListing(path).files.count { try FileKind(ofFile: "\(path)/\($0.name)") == .jpeg }
  }

  /// Changes when a file comes, goes, changes or is put in another's place, or when files are read otherwise: path,
  /// names, sizes, times and inodes.
  /// Throws as `init` does for what cannot be listed.
  public static func fingerprint(_ path: String, _ options: Options) throws -> String {
    let place = FileAccess.resolved(path) ?? path
    let size = options.size.map(\.description) ?? "as they are"
    let crop = options.crop.map { [$0.rawValue] } ?? []
    return Fingerprint.of([place, "\(options.alpha)", size] + crop + (try ImageListing(path).files.map(\.line)))
  }
}
