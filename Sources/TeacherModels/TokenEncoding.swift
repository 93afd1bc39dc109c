import Artifacts
import DD2Teacher
import Datasets
import Foundation
import Processes
import TensorCore
import Training

/// Encodes a set of images into a token file. What takes longer than a minute goes piece by piece into a folder beside it,
/// `FILE.part`: an encoding that was interrupted or killed goes on from there.
///
/// Each process of a job encodes its batches; the first one alone reads and writes these files.
public struct TokenEncoding {
  /// What the tokens of a folder of pieces follow from.
  private struct Origin: Codable, Equatable {
    let tokenizer: String
    let data: String
    let count: Int
    var images: ImageSetRecord?

    /// Without what only this copy of the images has.
    var portable: ImageSetRecord? {
      var images = images
      images?.state = nil
      return images
    }

    /// Whether the tokens are the same; images may have moved.
    func isSame(as other: Origin) -> Bool {
      tokenizer == other.tokenizer && count == other.count && portable == other.portable
        && (images != nil || data == other.data)
    }
  }

  /// An encoding into the same file was begun of other images or by another tokenizer.
  public struct OtherOrigin: Error {}

  /// Images that are encoded already.
  public private(set) var completed = 0
  /// Whether some that were encoded are damaged, and will be encoded again.
  public private(set) var hasDamage = false
  private let images: any ImageSource
  private let origin: Origin
  private let teacher: TeacherFile.Loaded
  private let output: String
  private let folder: String
  /// Of the folder, once there is one.
  private var lock: WriterLock?

  /// Seconds between pieces: what a killed process loses.
  private static let interval = 60.0
  private static let originName = "origin.json"

  /// Opens the encoding, or goes on with the one that was begun.
  /// - Parameters:
  ///   - data: what the images are, for the record.
  ///   - record: nil for the built-in ones.
  ///   - output: the file to be written.
  /// - Throws: `ArtifactError`, `OtherOrigin`.
  public init(
    _ images: any ImageSource, data: String, record: ImageSetRecord?, teacher: TeacherFile.Loaded, output: String
  ) throws {
    self.images = images
    self.teacher = teacher
    self.output = output
    folder = Self.folder(of: output)
    origin = Origin(tokenizer: try teacher.tokenizerHash(), data: data, count: images.count, images: record)
    let state = try ProcessGroup.current.fromFirst { try begin() }
    (completed, hasDamage) = (state.completed, state.hasDamage)
  }

  /// What there is of an encoding that was begun.
  private struct State: Codable {
    var completed = 0
    var hasDamage = false
  }

  private mutating func begin() throws -> State {
    guard let begun = try Self.origin(in: folder) else { return State() }
    lock = try WriterLock(folder: folder)
    guard begun.isSame(as: origin) else { throw OtherOrigin() }
    let completed = try pieces().last?.rows.upperBound ?? 0
    return State(completed: completed, hasDamage: FileAccess.exists(path(ofPiece: completed)))
  }

  /// What the encoding that was begun for a file recorded of its images: they need not be checked again.
  public static func begunImages(for output: String) throws -> ImageSetRecord? {
    try ProcessGroup.current.fromFirst { try origin(in: folder(of: output))?.images }
  }

  /// Where the pieces of a file lie until it is whole.
  public static func folder(of output: String) -> String { output + ".part" }

  private static func origin(in folder: String) throws -> Origin? {
    let path = folder + "/" + originName
    guard FileAccess.exists(path) else { return nil }
    do {
      return try JSONDecoder().decode(Origin.self, from: try FileAccess.contents(of: path))
    } catch is DecodingError {
      throw ArtifactError.corrupt(path: path, detail: "not what dd2 wrote; remove the folder to start over")
    }
  }

  /// Encodes what is missing and writes the file.
  /// - Parameter progress: called with the number of images done; what it throws, in all processes at once, ends the
  ///   encoding, which keeps them.
  public mutating func run(progress: (Int) throws -> Void) throws {
    defer { withExtendedLifetime(lock) {} }
    var pending: TokenSet?
    var saved = ContinuousClock.now
    var done = completed
    let (teacher, keepsTokens) = (teacher.teacher, ProcessGroup.current.isFirst)
    try TokenSet.encodeInRounds(
      images, indices: Array(done..<images.count), batch: teacher.imagesAtOnce,
      encoder: { try teacher.encode(images_BhwC: $0) }
    ) { tokens in
      if keepsTokens { if pending == nil { pending = tokens } else { pending?.append(tokens) } }
      done += tokens.count
      do {
        try progress(done)
        guard ContinuousClock.now - saved > .seconds(Self.interval) else { return }
      } catch {
        try save(&pending)
        throw error
      }
      try save(&pending)
      saved = .now
    }
    if keepsTokens { try join(pending) }
  }

  // MARK: Pieces

  private func path(ofPiece start: Int) -> String { folder + "/" + String(format: "%012d.h5", start) }

  private mutating func save(_ pending: inout TokenSet?) throws {
    guard let tokens = pending else { return }
    if lock == nil {
      lock = try WriterLock(folder: folder)
      try AtomicFile.write(Data(try JSON.text(origin).utf8), to: folder + "/" + Self.originName)
    }
    let writer = try HDF5Writer(path: path(ofPiece: completed))
    try TokenFile.write(tokens, to: writer)
    try writer.finish()
    completed += tokens.count
    pending = nil
  }

  /// The pieces from the first image on, as far as they are sound and follow upon each other.
  private func pieces() throws -> [(path: String, rows: Range<Int>)] {
    var pieces: [(path: String, rows: Range<Int>)] = []
    while true {
      let start = pieces.last?.rows.upperBound ?? 0
      let path = path(ofPiece: start)
      // Read to the end: a piece that is damaged must not be found when all others are done.
      guard start < images.count, FileAccess.exists(path),
        let count = try? TokenFile.read(path, for: teacher.teacher).count, start + count <= images.count
      else { return pieces }
      pieces.append((path, start..<start + count))
    }
  }

  /// Writes the file from its pieces and what is pending, and removes the pieces.
  private func join(_ pending: TokenSet?) throws {
    let writer = try HDF5Writer(path: output)
    defer { writer.abandon() }
    try writer.setAttribute(TokenFile.tokenizerName, .string(origin.tokenizer))
    if let images = origin.portable {
      try writer.setAttribute(TokenFile.classesName, .string(try JSON.text(images.classes)))
      try writer.setAttribute(TokenFile.imagesName, .string(try JSON.text(images)))
    }
    try TokenFile.create(
      count: images.count, length: teacher.teacher.layout.count, vocabulary: teacher.teacher.codebook.count, in: writer)
    for piece in try pieces() {
      for start in stride(from: piece.rows.lowerBound, to: piece.rows.upperBound, by: TokenFile.slice) {
        let rows = start..<min(start + TokenFile.slice, piece.rows.upperBound)
        let within = rows.map { $0 - piece.rows.lowerBound }
        try TokenFile.write(try TokenFile.read(piece.path, at: within, for: teacher.teacher), rows: rows, to: writer)
      }
    }
    if let pending { try TokenFile.write(pending, rows: completed..<images.count, to: writer) }
    try writer.finish()
    guard lock != nil else { return }
    for name in try FileAccess.names(in: folder) { try FileAccess.remove(folder + "/" + name) }
    try FileAccess.remove(folder)
  }
}
