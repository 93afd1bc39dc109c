import Artifacts
import Foundation

/// A folder of PNG images of one size, read when asked for.
///
/// With subfolders, each one that holds images is a class, in sorted order of names. In a flat folder the class
/// stands in the file name, as in `000123-class3.png`; other names are of class 0.
public struct ImageFolder: ImageSource {
  /// Name of the overview that `dd2 sample --grid` writes beside its images; not one of them.
  public static let overviewName = "grid.png"

  private struct Entry: Sendable {
    let path: String
    let label: Int32
  }

  /// Path of the folder.
  public let path: String
  public let classNames: [String]
  public let height: Int
  public let width: Int
  private let entries: [Entry]

  /// Lists a folder and reads its first image for the size.
  ///
  /// Throws `DatasetError.missingFolder`, `.noImages`, `.mixedLayout` where images lie beside folders of images,
  /// `.nestedClass` for images further down, or `.unreadable` for images of other formats, none of which must be
  /// overlooked, and a bad first image.
  public init(_ path: String) throws {
    self.path = path
    let (files, folders) = try Self.list(path)
    if files.isEmpty {
      let classes = try folders.map { (name: $0, files: try Self.files(ofClass: "\(path)/\($0)")) }
        .filter { !$0.files.isEmpty }
      classNames = classes.map(\.name)
      entries = classes.enumerated().flatMap { label, group in
        group.files.map { Entry(path: "\(path)/\(group.name)/\($0)", label: Int32(label)) }
      }
    } else {
      if let folder = try folders.first(where: { try Self.holdsImages("\(path)/\($0)") }) {
        throw DatasetError.mixedLayout(path: "\(path)/\(files[0])", folder: folder)
      }
      entries = files.map { Entry(path: "\(path)/\($0)", label: Self.label(ofFile: $0)) }
      let classCount = (entries.map(\.label).max() ?? 0) + 1
      classNames = (0..<classCount).map { "class\($0)" }
    }
    guard let first = entries.first else { throw DatasetError.noImages(path: path) }
    let image = try Self.read(first.path)
    (height, width) = (image.height, image.width)
  }

  public var count: Int { entries.count }

  public func label(at index: Int) -> Int32 { entries[index].label }

  /// Throws `DatasetError.unreadable`, or `.mixedSizes` for an image of another size than the first.
  public func pixels(at index: Int) throws -> [UInt8] {
    let image = try Self.read(entries[index].path)
    guard image.height == height, image.width == width else {
      throw DatasetError.mixedSizes(
        path: entries[index].path, expected: [height, width], found: [image.height, image.width])
    }
    return image.pixels
  }

  private static func read(_ path: String) throws -> PNGImage {
    do {
      return try PNGImage.read(path)
    } catch let error as ArtifactError {
      throw DatasetError.unreadable(error)
    }
  }

  /// Names of the PNG files and of the subfolders of a folder, sorted; hidden ones are left out.
  private static func list(_ path: String) throws -> (files: [String], folders: [String]) {
    let visible = try names(in: path).filter { !$0.hasPrefix(".") }
    let folders = visible.filter { name in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder)
        && isFolder.boolValue
    }
    let files = visible.filter { ImageListing.isImage($0) && !folders.contains($0) }
    if let other = files.first(where: { !$0.lowercased().hasSuffix(".png") }) {
      throw DatasetError.unreadable(.unsupported(path: "\(path)/\(other)", detail: "an image that is not PNG"))
    }
    return (files, folders)
  }

  /// Names of the PNG files of a class's folder, sorted.
  private static func files(ofClass path: String) throws -> [String] {
    let (files, folders) = try list(path)
    if let folder = try folders.first(where: { try holdsImages("\(path)/\($0)") }) {
      throw DatasetError.nestedClass(path: "\(path)/\(folder)")
    }
    return files
  }

  /// Whether a folder or one below it holds images.
  private static func holdsImages(_ path: String) throws -> Bool {
    do {
      _ = try ImageListing(path)
      return true
    } catch DatasetError.noImages {
      return false
    }
  }

  /// Names in a folder.
  /// - Throws: `DatasetError.missingFolder`, or `.unreadable` where it cannot be listed.
  static func names(in path: String) throws -> [String] {
    do {
      return try FileAccess.names(in: path)
    } catch ArtifactError.missingFile {
      throw DatasetError.missingFolder(path: path)
    } catch let error as ArtifactError {
      throw DatasetError.unreadable(error)
    }
  }

  /// The class in a name such as `000123-class3.png`, else 0.
  private static func label(ofFile name: String) -> Int32 {
    guard let match = name.firstMatch(of: /-class(\d{1,6})\.png$/.ignoresCase()) else { return 0 }
    return Int32(match.1) ?? 0
  }
}
