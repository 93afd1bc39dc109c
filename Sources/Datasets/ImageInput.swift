import Artifacts
import Foundation
import Synchronization
import TensorCore

/// Images to be measured: the PNG files of a folder, checked one by one before any work, or the array `arr_0` (N, h, w, 3)
/// of a NumPy file.
public struct ImageInput: Sendable {
  /// How images are read.
  public struct Options: Equatable, Sendable {
    /// What to do with transparency.
    public var alpha: PNGImage.AlphaPolicy
    /// Whether files that cannot be used are left out instead of being an error.
    public var skipsBad: Bool
    /// Columns and rows that all images are brought to; nil leaves them as they are.
    public var size: Size?

    public init(alpha: PNGImage.AlphaPolicy = .refuse, skipsBad: Bool = false, size: Size? = nil) {
      (self.alpha, self.skipsBad, self.size) = (alpha, skipsBad, size)
    }
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
  /// Images that are brought to another size.
  public let resizedCount: Int
  /// Files that cannot be used, with the reason.
  public let bad: [ArtifactError]
  let source: Source
  let options: Options

  /// Lists and checks.
  ///
  /// Throws `DatasetError.missingFolder`, `.noImages`, `.badImages` unless bad ones are skipped, `.mixedSizes` unless
  /// they are resized, `ArtifactError` for a NumPy file that cannot be used, and what `progress` throws.
  /// - Parameter progress: called with the files checked and all files.
  public init(_ path: String, _ options: Options, progress: (Int, Int) throws -> Void = { _, _ in }) throws {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    if exists, !isFolder.boolValue {
      try self.init(array: path, options)
    } else {
      try self.init(folder: path, options, progress)
    }
  }

  private init(array path: String, _ options: Options) throws {
    let file = try NumPyFile.open(path)
    let images = try file.images(Self.arrayName)
    let stored = Size(width: images.width, height: images.height)
    (self.path, self.options) = (path, options)
    (source, count, bad) = (.array(file), images.count, [])
    size = options.size ?? stored
    resizedCount = size == stored ? 0 : images.count
  }

  private init(folder path: String, _ options: Options, _ progress: (Int, Int) throws -> Void) throws {
    let files = try ImageListing(path).files.map { "\(path)/\($0.name)" }
    let checks = try Self.check(files, alpha: options.alpha, progress)
    var good: [(path: String, size: Size)] = []
    var bad: [ArtifactError] = []
    for (file, check) in zip(files, checks) {
      switch check {
      case .success(let size): good.append((file, size))
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
    resizedCount = good.count { $0.size != size }
  }

  /// The size or the fault of each file, by all threads.
  private static func check(
    _ files: [String], alpha: PNGImage.AlphaPolicy, _ progress: (Int, Int) throws -> Void
  ) throws -> [Result<Size, ArtifactError>] {
    let slice = 512
    let results = Mutex([Result<Size, ArtifactError>?](repeating: nil, count: files.count))
    for start in stride(from: 0, to: files.count, by: slice) {
      let end = min(start + slice, files.count)
      ThreadPool.shared.forEachRange(end - start, grain: 8) { range in
        for index in range {
          let result = check(files[start + index], alpha)
          results.withLock { $0[start + index] = result }
        }
      }
      try progress(end, files.count)
    }
    return results.withLock { $0.compactMap(\.self) }
  }

  private static func check(_ file: String, _ alpha: PNGImage.AlphaPolicy) -> Result<Size, ArtifactError> {
    do {
      let check = try PNGCheck(file)
      if check.hasAlpha, alpha == .refuse {
        return .failure(.unsupported(path: file, detail: "it has transparency (--alpha drop forgets it)"))
      }
      return .success(Size(width: check.width, height: check.height))
    } catch let error as ArtifactError {
      return .failure(error)
    } catch {
      return .failure(.corrupt(path: file, detail: "\(error)"))
    }
  }

  /// Changes when a file comes, goes or changes, or when other files are read otherwise: path, names, sizes and times.
  /// Throws as `init` does for what cannot be listed.
  public static func fingerprint(_ path: String, _ options: Options) throws -> String {
    let place = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let size = options.size.map(\.description) ?? "as they are"
    let files = try ImageListing(path).files.map { "\($0.bytes) \($0.changed) \($0.name)" }
    return Fingerprint.of([place, "\(options.alpha)", size] + files)
  }
}
