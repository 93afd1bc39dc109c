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
    /// Time of the last change in nanoseconds since 1970.
    let changed: Int
  }

  /// Files whose names end like an image's, sorted; not all of them need be PNG.
  let files: [File]

  /// Images of other formats are listed too, so that they can be refused rather than overlooked.
  private static let suffixes: Set<String> = [
    "png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm", "avif", "heic", "jp2",
  ]

  /// Throws `DatasetError.missingFolder`, `.noImages`, or `.unreadable` for a subfolder that cannot be read.
  init(_ path: String) throws {
    var visited: Set<[UInt]> = []
    var found: [File] = []
    var waiting = [""]
    while let folder = waiting.popLast() {
      let place = folder.isEmpty ? path : "\(path)/\(folder)"
      let names = try ImageFolder.names(in: place)
      var own = stat()
      guard stat(place, &own) == 0, visited.insert([UInt(own.st_dev), UInt(own.st_ino)]).inserted else { continue }
      for name in names where !name.hasPrefix(".") {
        let inner = folder.isEmpty ? name : "\(folder)/\(name)"
        var status = stat()
        let exists = stat("\(path)/\(inner)", &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFDIR {
          waiting.append(inner)
        } else if Self.isImage(name) {
          // A link that leads nowhere is listed, so that it is reported.
          let changed = Int(status.st_mtim.tv_sec) * 1_000_000_000 + Int(status.st_mtim.tv_nsec)
          found.append(File(name: inner, bytes: exists ? Int(status.st_size) : 0, changed: changed))
        }
      }
    }
    guard !found.isEmpty else { throw DatasetError.noImages(path: path) }
    files = found.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  static func isImage(_ name: String) -> Bool {
    name != ImageFolder.overviewName && suffixes.contains(URL(fileURLWithPath: name).pathExtension.lowercased())
  }
}
