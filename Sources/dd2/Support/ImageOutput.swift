import Artifacts
import Datasets
import Foundation

/// A folder that images are written to, one file each, and an overview of the first ones.
struct ImageOutput {
  /// The folder.
  let path: String
  private let wantsGrid: Bool
  private var overview: [PNGImage] = []

  private static let gridCount = 100
  private static let gridColumns = 10
  /// Smaller images are enlarged in the overview to about this side.
  private static let gridSide = 64

  /// Makes the folder.
  /// - Throws: `ArtifactError.cannotCreate`.
  init(_ path: String, grid: Bool) throws {
    self.path = path
    wantsGrid = grid
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw ArtifactError.cannotCreate(path: path, detail: Self.reason(error))
    }
  }

  /// Names of the PNG files that are in the folder.
  /// - Throws: `ArtifactError.notReadable`.
  func existing() throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path)
        .filter { $0.lowercased().hasSuffix(".png") }.sorted()
    } catch {
      throw ArtifactError.notReadable(path: path, detail: Self.reason(error))
    }
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
  mutating func write(_ image: PNGImage, named name: String) throws {
    if wantsGrid, overview.count < Self.gridCount { overview.append(image) }
    let file = "\(path)/\(name)"
    do {
      try image.encoded().write(to: URL(fileURLWithPath: file))
    } catch let error as CocoaError where error.code == .fileWriteOutOfSpace {
      throw ArtifactError.inputOutput(path: file, detail: "no space left")
    } catch {
      throw ArtifactError.cannotCreate(path: file, detail: Self.reason(error))
    }
  }

  /// Writes the overview if one is wanted.
  /// - Throws: `ArtifactError`.
  func writeGrid() throws {
    guard wantsGrid, let first = overview.first else { return }
    let factor = max(1, Self.gridSide / max(first.width, first.height))
    try PNGImage.grid(images: overview, columns: Self.gridColumns).scaled(by: factor)
      .write("\(path)/\(ImageFolder.overviewName)")
  }

  /// The system's words for a Foundation error.
  private static func reason(_ error: any Error) -> String {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    guard let underlying, underlying.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
    return String(cString: strerror(Int32(underlying.code)))
  }
}
