import Artifacts
import Datasets

/// A folder that images are written to, one file each, and an overview of the first ones; no other process writes there
/// meanwhile.
struct ImageOutput {
  /// The folder.
  let path: String
  private let lock: WriterLock
  private let wantsGrid: Bool
  private var overview: [RGBImage] = []

  private static let gridCount = 100
  private static let gridColumns = 10
  /// Smaller images are enlarged in the overview to about this side.
  private static let gridSide = 64

  /// Makes the folder and locks it.
  /// - Throws: `ArtifactError.cannotCreate`, also where something in it that is no ordinary file has an image's name, and
  ///   `.inUse` where another process writes there.
  init(_ path: String, grid: Bool) throws {
    self.path = path
    wantsGrid = grid
    lock = try WriterLock(folder: path)
    for name in try existing() { try AtomicFile.requirePlace(for: "\(path)/\(name)") }
  }

  /// Names of the PNG files that are in the folder.
  /// - Throws: `ArtifactError.notReadable`.
  func existing() throws -> [String] {
    try FileAccess.names(in: path).filter { $0.lowercased().hasSuffix(".png") }
  }

  /// Refuses a folder with other images than those about to be written: they would be counted with the new ones.
  /// - Throws: `CommandFailure`, `ArtifactError.notReadable`.
  func requireNoOthers(than isOwn: (String) -> Bool) throws {
    if let other = try existing().first(where: { $0 != ImageFolder.overviewName && !isOwn($0) }) {
      throw CommandFailure(
        .cannotCreate,
        "\(path): holds other images (\(other)), which would mix with new ones; choose another folder")
    }
  }

  /// Writes an image.
  ///
  /// Not flushed to the disk one by one: thousands of images would take minutes, and drawing them again gives the same.
  /// - Throws: `ArtifactError.cannotCreate` or `.inputOutput`.
  mutating func write(_ image: RGBImage, named name: String) throws {
    if wantsGrid, overview.count < Self.gridCount { overview.append(image) }
    try AtomicFile.write(image.encodedPNG(), to: "\(path)/\(name)", isDurable: false)
  }

  /// Writes the overview if one is wanted.
  /// - Throws: `ArtifactError`.
  func writeGrid() throws {
    guard wantsGrid, let first = overview.first else { return }
    let factor = max(1, Self.gridSide / max(first.width, first.height))
    try RGBImage.grid(images: overview, columns: Self.gridColumns).scaled(by: factor)
      .write("\(path)/\(ImageFolder.overviewName)")
  }
}
