import Artifacts
import Datasets
import Processes
import TeacherModels

/// A folder that images are written to, one file each, and an overview of the first ones; no process of another job writes
/// there meanwhile.
struct ImageOutput {
  /// The folder.
  let path: String
  /// Nil in a job's other processes.
  private let lock: WriterLock?
  private let wantsGrid: Bool
  private var overview: [RGBImage] = []

  private static let gridCount = 100
  private static let gridColumns = 10

  /// Makes the folder and locks it, in a job's first process.
  /// - Throws: `ArtifactError.cannotCreate`, also where something in it that is no ordinary file has an image's name, and
  ///   `.inUse` where another process writes there.
  init(_ path: String, grid: Bool) throws {
    self.path = path
    wantsGrid = grid
    guard ProcessGroup.current.isFirst else {
      lock = nil
      return
    }
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
  func write(_ image: RGBImage, named name: String) throws {
    try AtomicFile.write(image.encodedPNG(), to: "\(path)/\(name)", isDurable: false)
  }

  /// Takes images into the overview, as far as it wants them: those of all processes, in their order.
  /// - Parameters:
  ///   - images: of this process.
  ///   - start: the number of the first process's first image.
  mutating func show(_ images: [RGBImage], from start: Int) {
    guard wantsGrid, start < Self.gridCount else { return }
    let pixels = Array(ProcessGroup.current.gather(images.flatMap(\.pixels)).joined())
    guard let size = images.first else { return }
    let all = stride(from: 0, to: pixels.count, by: size.pixels.count).map {
      RGBImage(width: size.width, height: size.height, pixels: Array(pixels[$0..<$0 + size.pixels.count]))
    }
    overview += all.prefix(Self.gridCount - overview.count)
  }

  /// Writes the overview if one is wanted, with names above columns of one class.
  /// - Parameters:
  ///   - title: what the images are of.
  ///   - label: the class of an image by its number.
  ///   - names: one for each class, empty where it has none.
  /// - Throws: `ArtifactError`.
  func writeGrid(title: String, label: (Int) -> Int32, names: [String]) throws {
    guard wantsGrid, !overview.isEmpty else { return }
    let columns = min(Self.gridColumns, overview.count)
    let labels = (0..<columns).map { Int(label($0)) }
    let isByClass = overview.indices.allSatisfy { Int(label($0)) == labels[$0 % columns] }
    try PictureGrid(
      columns: columns, columnNames: isByClass ? ClassColumns.names(of: labels, among: names) : [],
      blocks: [PictureGrid.Block(title: title, images: overview)]
    ).image.write("\(path)/\(ImageFolder.overviewName)")
  }
}
