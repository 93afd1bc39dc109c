import Artifacts

/// How the images of a folder lie in it: all in the folder itself, or in a subfolder per class.
struct ImageLayout {
  /// A class's folder, or a set of images without one.
  struct Folder {
    let name: String
    /// Paths under the whole folder, sorted.
    var files: [ImageListing.File] = []
  }

  /// Where they are.
  let path: String
  /// Images in the folder itself; none where there are folders of images.
  let loose: [ImageListing.File]
  /// The subfolders, those without images too, in the order of their names; none beside loose images.
  let folders: [Folder]

  /// All images, in the order of their numbers.
  var files: [ImageListing.File] { loose + folders.flatMap(\.files) }

  /// Throws `DatasetError.missingFolder`, `.noImages`, `.mixedLayout` where images lie beside folders of images,
  /// `.nestedClass` for images further down, `.wrongClasses` for two folders of one name, or `.unreadable` for images of other formats: none must be overlooked.
  init(_ path: String) throws {
    self.path = path
    let listing = try ImageListing(path)
    if let other = listing.files.first(where: { !ImageListing.isRead($0.name) }) {
      throw DatasetError.unreadable(
        .unsupported(path: "\(path)/\(other.name)", detail: "an image that is neither PNG nor JPEG"))
    }
    let parts = listing.files.map { $0.name.split(separator: "/") }
    loose = zip(listing.files, parts).filter { $0.1.count == 1 }.map(\.0)
    if let first = loose.first {
      if let inner = parts.first(where: { $0.count > 1 }) {
        throw DatasetError.mixedLayout(path: "\(path)/\(first.name)", folder: String(inner[0]))
      }
      folders = []
      return
    }
    if let lost = listing.lostLinks.first {
      throw DatasetError.unreadable(.notReadable(path: "\(path)/\(lost)", detail: "a link that leads nowhere"))
    }
    if let deep = parts.first(where: { $0.count > 2 }) {
      throw DatasetError.nestedClass(path: "\(path)/\(deep[0])/\(deep[1])")
    }
    // Names of other bytes may be equal text, as é in one character and in two.
    if let twin = Dictionary(grouping: listing.folders, by: \.self).first(where: { $0.value.count > 1 }) {
      throw DatasetError.wrongClasses(
        path: path, detail: "two of its folders have the name \(twin.key), in other bytes; rename one of them")
    }
    let files = Dictionary(grouping: zip(listing.files, parts)) { String($0.1[0]) }.mapValues { $0.map(\.0) }
    folders = listing.folders.map { Folder(name: $0, files: files[$0] ?? []) }
  }
}
