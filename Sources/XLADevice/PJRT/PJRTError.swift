import CPJRT
import Foundation

/// What can go wrong with a plugin or the device behind it. `description` is one line: what failed, and why.
public enum PJRTError: Error, Equatable, Sendable {
  /// No plugin of a kind was found; `remedy` says what would mend that.
  case noPlugin(kind: PluginKind, remedy: String)
  /// The file at `path` cannot be opened as a plugin.
  case cannotOpen(path: String, detail: String)
  /// More devices of a kind were asked for than there are.
  case tooFewDevices(kind: PluginKind, asked: Int, found: Int)
  /// A call failed. `action` says what was tried, `detail` is the plugin's own text.
  case failed(action: String, code: Code, detail: String)

  /// Kinds of failures, numbered as plugins do.
  public struct Code: RawRepresentable, Equatable, Sendable {
    /// The number.
    public let rawValue: Int32

    /// A kind by its number.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// Out of memory.
    public static let resourceExhausted = Code(rawValue: 8)
    /// The plugin does not offer this.
    public static let unimplemented = Code(rawValue: Int32(DD2_PJRT_UNIMPLEMENTED))
    /// The plugin is too old or breaks the interface.
    public static let unusable = Code(rawValue: Int32(DD2_PJRT_UNUSABLE))
  }

  /// The exit status of a command that ends with this error, after sysexits(3).
  public var exitCode: Int32 {
    switch self {
    case .noPlugin, .cannotOpen, .tooFewDevices: 69
    case .failed: 70
    }
  }
}

extension PJRTError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noPlugin(let kind, let remedy):
      "no plugin for \(kind.rawValue) found; \(remedy)"
    case .cannotOpen(let path, let detail):
      "\(path): cannot be opened as a device plugin (\(Self.line(detail))); 'dd2 device install' brings one that can"
    case .tooFewDevices(let kind, let asked, let found):
      "\(asked) devices of \(kind.rawValue) asked for, \(found) found; give --devices \(found) or all"
    case .failed(let action, let code, let detail):
      "\(action) failed: \(detail.isEmpty ? "code \(code.rawValue)" : Self.line(detail))"
    }
  }

  /// A text of several lines as one, without the places in the plugin's sources that it ends with.
  private static func line(_ text: String) -> String {
    let end = text.firstRange(of: "=== Source Location Trace")?.lowerBound ?? text.endIndex
    return text[..<end].split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}

/// Makes a call to the plugin and throws its error.
/// - Parameter body: given where the text of an error goes.
func attempt(
  _ action: @autoclosure () -> String,
  _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32
) throws(PJRTError) {
  var text: UnsafeMutablePointer<CChar>?
  let code = body(&text)
  guard code != 0 else { return }
  defer { free(text) }
  throw .failed(action: action(), code: .init(rawValue: code), detail: text.map { String(cString: $0) } ?? "")
}

/// As `attempt`, with nil where the plugin does not offer what is asked.
func attemptIfOffered<Result>(_ body: () throws(PJRTError) -> Result) throws(PJRTError) -> Result? {
  do {
    return try body()
  } catch .failed(_, .unimplemented, _) {
    return nil
  }
}

/// What a call that succeeded has set; a plugin that breaks this is a failure too.
func given<Value>(_ value: Value?, _ action: @autoclosure () -> String) throws(PJRTError) -> Value {
  guard let value else {
    throw .failed(action: action(), code: .unusable, detail: "the plugin gives neither a result nor an error")
  }
  return value
}
