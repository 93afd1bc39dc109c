import CShims
import Foundation

/// The HDF5 library is one big shared state: every call goes through `locked`.
enum HDF5Library {
  private static let lock = NSLock()

  /// Runs `body` while no other thread is inside HDF5, and without HDF5 printing.
  static func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    // Every time: builds of the library that know threads keep the switch for printing per thread.
    precondition(dd2_h5_start() == 0, "HDF5: the library does not initialise")
    return try body()
  }

  /// The library's own words on the last failure; call inside `locked`, right after it.
  static func lastMessage() -> String {
    let text = lastText()
    return systemMessage(in: text) ?? (text.isEmpty ? "HDF5 gives no reason" : text)
  }

  private static func lastText() -> String {
    var buffer = [CChar](repeating: 0, count: 512)
    dd2_h5_last_error(&buffer, buffer.count)
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The system's words where one of its calls failed: they stand among addresses and times.
  private static func systemMessage(in text: String) -> String? {
    text.firstMatch(of: /errno = \d+, error message = '([^']+)'/).map { String($0.1) }
  }

  /// Whether the call that just failed met a number that what was asked for cannot hold.
  static var isOverflow: Bool { lastMessage().contains("conversion exception") }

  /// The error for a library call on a file that just failed; call inside `locked`.
  /// - Parameter name: of the object that it was about; nil for the file as a whole.
  static func readError(_ path: String, _ name: String?) -> ArtifactError {
    let (text, message) = (lastText(), lastMessage())
    let place = name.map { $0 + ": " } ?? ""
    if text.contains("unable to lock file") { return .inUse(path: path) }
    if systemMessage(in: text) != nil { return .inputOutput(path: path, detail: place + message) }
    if message.contains("filter"), message.contains("not registered") {
      return .unsupported(
        path: path, detail: "\(name ?? "it") is packed with a filter that this HDF5 library lacks (\(message))")
    }
    if message.contains("bad version number") {
      return .unsupported(
        path: path, detail: "\(name ?? "it") is in a layout that this HDF5 library does not know (\(message))")
    }
    if message.contains("already open for write") { return .leftOpen(path: path) }
    return .corrupt(path: path, detail: place + message)
  }
}

/// An attribute of an HDF5 file, group or dataset.
public enum HDF5Attribute: Sendable, Equatable {
  case string(String)
  case int(Int64)
  case double(Double)

  /// The text, nil for a number.
  public var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The integer, nil for anything else.
  public var int: Int64? {
    if case .int(let value) = self { value } else { nil }
  }
}
