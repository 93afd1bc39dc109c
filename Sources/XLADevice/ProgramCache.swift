import Artifacts
import Foundation

/// Compiled programs on the disk, for later processes.
///
/// An entry is a file whose name is the hash of all that the compiled program follows from, and which begins with the hash
/// of its contents: plugins do not survive damaged ones. It is written whole or not at all, so that processes do not hurt
/// each other. When all are larger than the limit, those that were not used for the longest time go.
public struct ProgramCache: Sendable {
  /// Where the entries are.
  public let folder: String
  /// The most bytes that all of them may have.
  private let limit: Int

  /// A cache in a folder, which need not be there.
  public init(folder: String, limit: Int = 4 << 30) {
    (self.folder, self.limit) = (folder, limit)
  }

  /// The user's: `dd2/programs` in `XDG_CACHE_HOME`, else in `~/.cache`; nil where no home folder is known.
  public static func standard(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> ProgramCache? {
    func set(_ name: String) -> String? { environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil } }
    let cache = set("XDG_CACHE_HOME") ?? set("HOME").map { $0 + "/.cache" }
    return cache.map { ProgramCache(folder: $0 + "/dd2/programs") }
  }

  private func path(_ key: String) -> String { folder + "/" + key }

  /// The compiled program of a key, which counts as used now; nil where there is none, or a damaged one.
  func program(_ key: String) -> [UInt8]? {
    guard let entry = try? FileAccess.contents(of: path(key)), entry.count > Self.hashSize else { return nil }
    let (hash, program) = (entry.prefix(Self.hashSize), entry.dropFirst(Self.hashSize))
    guard Data(Fingerprint.of(program).utf8) == hash else { return nil }
    FileAccess.touch(path(key))
    return Array(program)
  }

  /// Keeps a compiled program.
  /// - Throws: `ArtifactError` where the folder cannot be made or written.
  func keep(_ program: [UInt8], _ key: String) throws {
    let program = Data(program)
    try FileAccess.makeFolder(folder)
    try AtomicFile.write(Data(Fingerprint.of(program).utf8) + program, to: path(key), isDurable: false)
    try shrink()
  }

  private static let hashSize = 64

  private func shrink() throws {
    // What another process has removed meanwhile is gone as well.
    var entries = try FileAccess.names(in: folder).compactMap { name -> (path: String, bytes: Int, used: Int)? in
      guard let status = try? FileAccess.status(path(name)), let used = FileAccess.modificationTime(path(name)) else {
        return nil
      }
      return (path(name), Int(status.st_size), used)
    }
    var bytes = entries.reduce(0) { $0 + $1.bytes }
    entries.sort { $0.used < $1.used }
    for entry in entries where bytes > limit {
      try? FileAccess.remove(entry.path)
      bytes -= entry.bytes
    }
  }
}

extension PJRTClient {
  /// What compiled programs follow from beside program and options: the plugin, what it says of itself, the kind of device,
  /// and XLA's options in the environment. Code for processors also follows from what this one can do.
  func programIdentity() throws(PJRTError) -> [String] {
    let file = try? FileAccess.status(plugin.path)
    let attributes = try plugin.attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return [
      "\(plugin.apiVersion)", file.map { "\($0.st_size) \($0.st_mtim.tv_sec)" } ?? "", platformName, platformVersion,
      devices.first?.kind ?? "", getenv("XLA_FLAGS").map { String(cString: $0) } ?? "",
      platformName == PluginKind.cpu.rawValue ? Self.processorFeatures : "",
    ] + attributes
  }

  /// What the kernel says of the first processor, but for what changes: its speed.
  private static let processorFeatures: String = {
    let text = (try? FileAccess.start(of: "/proc/cpuinfo", count: 1 << 16)) ?? []
    let lines = String(decoding: text, as: UTF8.self).components(separatedBy: "\n\n")[0]
    return lines.split(separator: "\n").filter { line in
      ["vendor_id", "cpu family", "model", "flags", "Features", "CPU"].contains { line.hasPrefix($0) }
    }.joined(separator: "\n")
  }()
}
