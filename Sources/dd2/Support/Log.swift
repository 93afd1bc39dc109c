import Foundation
import Logging
import Processes

/// What the program says while it works: lines on stderr, from the level that `DD2_LOG` names (default: info), in the first
/// process of a job. Why a command fails is said at every level and does not come through here.
enum Log {
  static let variable = "DD2_LOG"

  private static let logger = Logger(label: "dd2") { _ in ConsoleLogHandler(logLevel: level ?? .info) }

  /// What `DD2_LOG` holds; nil where it is unset or empty.
  private static let name: String? = ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : $0 }

  /// The level that `DD2_LOG` names; nil where it names none.
  private static let level = name.flatMap(Logger.Level.init(rawValue:))

  private static var speaks: Bool { ProcessGroup.current.isFirst }

  /// Whether progress, which is at level info, is shown.
  static var showsProgress: Bool { speaks && logger.logLevel <= .info }

  /// Whether warnings are shown.
  static var showsWarnings: Bool { speaks && logger.logLevel <= .warning }

  /// Refuses a `DD2_LOG` that names no level.
  /// - Throws: `CommandFailure`.
  static func checkLevel() throws {
    guard let name, level == nil else { return }
    let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
    throw CommandFailure(.usage, "\(variable) is '\(name)'; give one of \(levels)")
  }

  /// A step of the work.
  static func info(_ text: String) { if speaks { logger.info("\(text)") } }

  /// Something the user should act on, though work goes on.
  static func warning(_ text: String) { if speaks { logger.warning("\(text)") } }
}

/// Writes bare lines: labels and times would only hide what matters to a person at a terminal.
private struct ConsoleLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { Console.line(event.message.description) }
}
