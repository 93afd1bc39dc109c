import Foundation

/// Unpacks zip archives, which Python's wheels are.
public enum ZipUnpacking {
  private static let piece = 1 << 20

  /// Writes the files of an archive below a folder, over what is there. Takes no more memory than a piece of a file.
  ///
  /// Throws `ArtifactError.corrupt`, `.unsupported` or `.tooLarge`, also for names that lead out of the folder, `.cannotCreate`,
  /// `.inputOutput`, and what `proceed` throws.
  /// - Parameter proceed: called between two pieces.
  public static func unpack(_ path: String, into folder: String, proceed: () throws -> Void) throws {
    let archive = try ZipArchive(MappedBytes(MappedFile(path)))
    for name in archive.names.sorted() {
      let parts = name.split(separator: "/", omittingEmptySubsequences: false)
      guard !parts.dropLast().contains(""), !parts.contains("..") else {
        throw ArtifactError.corrupt(path: path, detail: "the zip entry \(name.inMessage) leads out of its folder")
      }
      let target = folder + "/" + name
      if name.hasSuffix("/") {
        try FileAccess.makeFolder(target)
      } else if let reader = try archive.reader(name) {
        try FileAccess.makeFolder(target.pathFolder)
        try write(reader, to: target, proceed)
        if archive.isExecutable(name) { _ = target.withPath { chmod($0, 0o755) } }
      }
    }
  }

  private static func write(_ reader: ByteReader, to path: String, _ proceed: () throws -> Void) throws {
    let file = try TemporaryFile(for: path)
    while reader.position < reader.count {
      try proceed()
      try file.write(Data(reader.read(min(piece, reader.count - reader.position))))
    }
    try reader.finish()
    try file.commit(isDurable: false)
  }
}
