import Foundation

/// Brings the file of a manifest's entry into the folder of weights.
///
/// Bytes go to `NAME.part`, which an interrupted download continues. The file gets its name when size and hash are
/// right; until then nothing of that name is there.
public struct WeightsFetch {
  /// What happens meanwhile.
  public enum Event: Equatable, Sendable {
    /// A download begins, or goes on after so many bytes.
    case started(url: String, bytes: Int)
    /// So many bytes are there.
    case received(bytes: Int)
    /// The server cannot continue: from the beginning again.
    case restarted
    /// This URL did not work; the next one is tried.
    case failed(url: String, reason: String)
  }

  /// What came of it.
  public enum Result: Equatable, Sendable {
    /// The file was there, and is the right one.
    case present(sha256: String)
    /// The hash is the expected one.
    case verified(sha256: String)
    /// Nobody says what the hash should be; this one is now on record.
    case recorded(sha256: String)
  }

  private let entry: WeightsManifest.Entry
  private let acceptsUnconfirmed: Bool
  /// Where the file goes.
  public let path: String
  private var part: String { path + ".part" }

  /// - Parameters:
  ///   - folder: the folder of weights; made if need be.
  ///   - acceptsUnconfirmed: whether a file may have another hash than one that is not confirmed.
  public init(_ entry: WeightsManifest.Entry, folder: String, acceptsUnconfirmed: Bool = false) {
    self.entry = entry
    self.acceptsUnconfirmed = acceptsUnconfirmed
    path = folder + "/" + entry.relativePath
  }

  /// Fetches and checks.
  ///
  /// Throws `ArtifactError.unavailable` where no URL gives the whole file (what came is kept and continued),
  /// `.wrongDownload` for other contents than expected (removed), what `observer` throws, and as `AtomicFile`.
  public func run(observer: (Event) throws -> Void) throws -> Result {
    let folder = path.pathFolder
    if let present = try existing(in: folder) { return present }
    try FileAccess.makeFolder(folder)
    for place in [path, FetchRecord.path(of: path)] { try AtomicFile.requirePlace(for: place) }
    let lock = try WriterLock(file: part)
    defer { if CurlTransfer.size(of: part) == 0 { try? FileAccess.remove(part) } }
    // Another process may have brought it meanwhile.
    if let present = try existing(in: folder) { return present }
    guard let last = entry.urls.last else {
      throw ArtifactError.unavailable(source: entry.name, detail: "the manifest gives no URL")
    }
    for url in entry.urls.dropLast() {
      do {
        return try fetch(url, lock, observer)
      } catch ArtifactError.unavailable(_, let detail) {
        try observer(.failed(url: url, reason: detail))
      }
    }
    return try fetch(last, lock, observer)
  }

  private func existing(in folder: String) throws -> Result? {
    switch try WeightsManifest.verify(entry, root: folder) {
    case .missing: return nil
    case .verified(let sha256): return .present(sha256: sha256)
    case .unpublished(let sha256, let bytes):
      try FetchRecord(url: entry.urls.first ?? "", bytes: bytes, sha256: sha256).write(for: path)
      return .recorded(sha256: sha256)
    case .wrongSize(_, let expected, let found):
      throw ArtifactError.corrupt(path: path, detail: "\(found) bytes where \(expected) are expected")
    case .wrongHash(_, let expected, let found):
      throw ArtifactError.corrupt(path: path, detail: "sha256 \(found) where \(expected) is expected")
    }
  }

  private func fetch(_ url: String, _ lock: WriterLock, _ observer: (Event) throws -> Void) throws -> Result {
    try transfer(url, lock, observer)
    try checkContents(url)
    let sha256 = try WeightsManifest.sha256(ofFile: part)
    let isConfirmed = entry.sha256 != nil && entry.sha256Unconfirmed != true
    let record = isConfirmed ? nil : try FetchRecord.read(for: path)
    guard let expected = record?.sha256 ?? entry.sha256 else {
      try keep(url, sha256, recording: true)
      return .recorded(sha256: sha256)
    }
    if expected.lowercased() != sha256 {
      guard entry.sha256Unconfirmed == true, record == nil else {
        throw refused(url, "sha256 \(sha256) where \(expected) is expected")
      }
      guard acceptsUnconfirmed else {
        throw ArtifactError.unavailable(
          source: url,
          detail: "sha256 \(sha256) where an unconfirmed record has \(expected); compare with another source, then "
            + "run again with --accept-unconfirmed")
      }
      try keep(url, sha256, recording: true)
      return .recorded(sha256: sha256)
    }
    try keep(url, sha256, recording: false)
    return .verified(sha256: sha256)
  }

  /// Downloads what is missing of the part.
  private func transfer(_ url: String, _ lock: WriterLock, _ observer: (Event) throws -> Void) throws {
    let start = CurlTransfer.size(of: part)
    try observer(.started(url: url, bytes: start))
    func run() throws -> CurlTransfer.Outcome {
      try CurlTransfer(url: url, destination: part).run { try observer(.received(bytes: $0)) }
    }
    var outcome = try run()
    if outcome.refusesRange {
      lock.truncate()
      try observer(.restarted)
      outcome = try run()
    }
    let bytes = CurlTransfer.size(of: part)
    try observer(.received(bytes: bytes))
    // The part is whole already; its size and hash say whether it is the right one.
    if outcome.isPastEnd, start > 0 { return }
    if outcome.contentType.hasPrefix("text/html"), outcome.exitCode == 0 { throw refused(url, Self.pageDetail) }
    switch outcome.exitCode {
    case 0: return
    case 23: throw ArtifactError.inputOutput(path: part, detail: outcome.message)
    case 127: throw ArtifactError.unavailable(source: url, detail: "the program curl is not installed; install it")
    case _ where outcome.isBroken: throw cutShort(url, bytes, outcome.message)
    default:
      throw ArtifactError.unavailable(source: url, detail: "\(outcome.message); check the address and the network")
    }
  }

  private static let pageDetail = "an HTML page came instead of the file"

  /// Size and first bytes.
  private func checkContents(_ url: String) throws {
    let bytes = CurlTransfer.size(of: part)
    let head = try FileAccess.start(of: part, count: 64)
    let text = String(decoding: head, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines).lowercased()
    if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") { throw refused(url, Self.pageDetail) }
    if let expected = entry.bytes, bytes > expected {
      throw refused(url, "\(bytes) bytes where \(expected) are expected")
    }
    if let expected = entry.bytes ?? entry.payloadBytes, bytes < expected {
      throw cutShort(url, bytes, "at least \(expected) are expected")
    }
  }

  private func cutShort(_ url: String, _ bytes: Int, _ reason: String) -> ArtifactError {
    .unavailable(source: url, detail: "the download ended after \(bytes) bytes (\(reason)); run again to continue")
  }

  /// The error of a download that is of no use, which is removed.
  private func refused(_ url: String, _ detail: String) -> ArtifactError {
    try? FileAccess.remove(part)
    return .wrongDownload(source: url, detail: detail)
  }

  private func keep(_ url: String, _ sha256: String, recording: Bool) throws {
    if recording {
      try FetchRecord(url: url, bytes: CurlTransfer.size(of: part), sha256: sha256).write(for: path)
    }
    try AtomicFile.commit(part, to: path)
  }
}
