import Artifacts
import Foundation

/// The image files in a folder and its subfolders, at any depth, sorted by path. Hidden files and folders and each
/// `grid.png` are left out; links are followed, a folder that links lead to twice is listed once.
struct ImageListing {
  /// A file that may be an image.
  struct File: Equatable, Sendable {
    /// Path under the folder.
    let name: String
    let bytes: Int
    /// What no two files, and no two contents of one, have in common: device, inode, and the times of the last change
    /// of contents and of anything. Names, sizes and times of contents alone are equal after `cp -a` of other images.
    let identity: [Int]

    /// All of it, for fingerprints.
    var line: String { "\(bytes) \(identity) \(name)" }
  }

  /// Files whose names end like an image's, sorted; not all of them need be of a format that is read.
  let files: [File]
  /// Names of the subfolders of the folder itself, sorted.
  let folders: [String]
  /// Names in the folder itself that lead nowhere and are not an image's: a class's folder may have been there.
  let lostLinks: [String]

  /// How names of PNG and JPEG files end.
  private static let readSuffixes: Set<String> = ["png", "jpg", "jpeg", "jpe", "jfif"]
  /// Images of other formats are listed too, so that they can be refused rather than overlooked.
  private static let suffixes: Set<String> = readSuffixes.union([
    "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm", "avif", "heic", "jp2",
  ])

  /// Throws `DatasetError.missingFolder`, `.noImages`, or `.unreadable` for a subfolder that cannot be read.
  init(_ path: String) throws {
    var visited: Set<[UInt]> = []
    var found: [File] = []
    var (own, lost): ([String], [String]) = ([], [])
    var waiting = [""]
    while let folder = waiting.popLast() {
      let place = folder.isEmpty ? path : "\(path)/\(folder)"
      let names = try Self.names(in: place)
      guard let status = try? FileAccess.status(place),
        visited.insert([UInt(status.st_dev), UInt(status.st_ino)]).inserted
      else { continue }
      for name in names where !name.hasPrefix(".") {
        let inner = folder.isEmpty ? name : "\(folder)/\(name)"
        let status = (try? FileAccess.status("\(path)/\(inner)")).flatMap(\.self)
        if let status, status.st_mode & S_IFMT == S_IFDIR {
          waiting.append(inner)
          if folder.isEmpty { own.append(name) }
        } else if Self.isImage(name) {
          // A link that leads nowhere is listed, so that it is reported.
          found.append(
            File(name: inner, bytes: status.map { Int($0.st_size) } ?? 0, identity: status.map(Self.identity) ?? []))
        } else if status == nil, folder.isEmpty {
          lost.append(name)
        }
      }
    }
    guard !found.isEmpty else { throw DatasetError.noImages(path: path) }
    files = found.sorted { Self.isBefore($0.name, $1.name) }
    folders = own.sorted(by: Self.isBefore)
    lostLinks = lost
  }

  /// The order of names as text, that of their code points.
  static func isBefore(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

  private static func identity(_ status: stat) -> [Int] {
    func nanoseconds(_ time: timespec) -> Int { Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec) }
    return [
      Int(status.st_dev), Int(status.st_ino), nanoseconds(status.st_mtim), nanoseconds(status.st_ctim),
    ]
  }

  /// Names in a folder.
  /// - Throws: `DatasetError.missingFolder`, or `.unreadable` where it cannot be listed.
  private static func names(in path: String) throws -> [String] {
    do {
      return try FileAccess.names(in: path)
    } catch ArtifactError.missingFile {
      throw DatasetError.missingFolder(path: path)
    } catch let error as ArtifactError {
      throw DatasetError.unreadable(error)
    }
  }

  private static func isImage(_ name: String) -> Bool {
    name != ImageFolder.overviewName && suffixes.contains(name.pathExtension)
  }

  /// Whether a name is that of a PNG or JPEG file.
  static func isRead(_ name: String) -> Bool { readSuffixes.contains(name.pathExtension) }
}
