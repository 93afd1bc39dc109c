import Artifacts
import Foundation

/// Brings a plugin and the libraries that it needs into a folder of its own, laid out as a folder of Python packages.
///
/// The folder has its name when everything is in it; until then the parts are beside it, where an interrupted installation
/// goes on.
struct PluginInstallation {
  /// The wheels, in the order in which they are unpacked.
  private let entries: [WeightsManifest.Entry]
  /// Where the plugin will be.
  let folder: String
  private var part: String { folder.pathFolder + "/." + folder.pathName + ".part" }
  private var old: String { folder.pathFolder + "/." + folder.pathName + ".old" }

  /// The list of what was unpacked in a folder, a line for each wheel.
  private static let list = "wheels.txt"

  init(_ entries: [WeightsManifest.Entry], folder: String) {
    (self.entries, self.folder) = (entries, folder)
  }

  /// Installs.
  /// - Returns: whether there was something to do.
  /// - Throws: `ArtifactError`, and `CommandFailure` once a signal has come.
  func run(_ interrupts: Interrupts) throws -> Bool {
    let wanted = entries.map(\.relativePath)
    guard Self.unpacked(in: folder) != wanted else { return false }
    let lock = try WriterLock(folder: part)
    defer { withExtendedLifetime(lock) {} }
    // Of other versions nothing may stay.
    if !wanted.starts(with: Self.unpacked(in: part)) {
      for name in try FileAccess.names(in: part) { try FileAccess.removeFolder(part + "/" + name) }
    }
    for entry in entries.dropFirst(Self.unpacked(in: part).count) { try install(entry, interrupts) }
    try FileAccess.removeFolder(old)
    if FileAccess.exists(folder) { try FileAccess.rename(folder, to: old) }
    try FileAccess.rename(part, to: folder)
    try FileAccess.removeFolder(old)
    return true
  }

  private func install(_ entry: WeightsManifest.Entry, _ interrupts: Interrupts) throws {
    Log.info("\(entry.name), licence: \(entry.license)")
    let fetch = WeightsFetch(entry, folder: part)
    _ = try FetchProgress.run(fetch, entry, interrupts)
    try ZipUnpacking.unpack(fetch.path, into: part) {
      guard interrupts.flag.isRaised else { return }
      throw CommandFailure(.interrupted, "\(entry.name): interrupted; run the command again to continue")
    }
    let names = Self.unpacked(in: part) + [entry.relativePath]
    try AtomicFile.write(Data(names.map { $0 + "\n" }.joined().utf8), to: part + "/" + Self.list)
    try FileAccess.remove(fetch.path)
  }

  private static func unpacked(in folder: String) -> [String] {
    let text = (try? FileAccess.contents(of: folder + "/" + list)) ?? Data()
    return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}
