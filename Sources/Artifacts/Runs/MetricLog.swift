import Foundation

/// The numbers of a run, one JSON object a line: `{"step": 12, "loss": 0.5}`.
///
/// Each line reaches the file in one piece as it is appended. Not for use from several threads.
public final class MetricLog {
  public let path: String
  private let descriptor: Int32

  /// Opens a log to append to, making it if it is not there. A last line cut short by a killed process is
  /// removed. Throws `ArtifactError.cannotCreate` or `.inputOutput`.
  public init(appendingTo path: String) throws {
    self.path = path
    let place = try TemporaryFile.destination(of: path)
    descriptor = place.withPath { open($0, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666) }
    guard descriptor >= 0 else {
      throw ArtifactError.cannotCreate(path: path, detail: FileAccess.systemMessage())
    }
    let contents = try FileAccess.contents(of: path)
    let complete = contents.lastIndex(of: Self.newline).map { $0 + 1 } ?? 0
    guard complete == contents.count || ftruncate(descriptor, off_t(complete)) == 0 else {
      throw ArtifactError.inputOutput(path: path, detail: FileAccess.systemMessage())
    }
  }

  deinit { close(descriptor) }

  /// Appends one line.
  ///
  /// Throws `ArtifactError.nonFinite` and writes nothing if a value is NaN or infinite, `.inputOutput` if
  /// the disk is full.
  public func append(step: Int, values: [(String, Double)]) throws {
    var line = "{\"step\": \(step)"
    for (name, value) in values {
      guard value.isFinite else {
        throw ArtifactError.nonFinite(path: path, name: name, value: "\(value)")
      }
      line += ", \(Self.quoted(name)): \(value)"
    }
    try AtomicFile.writeAll(Data((line + "}\n").utf8), to: descriptor, path: path)
  }

  /// Every line, in order; `step` is among the values, a whole number. A last line cut short is left out.
  ///
  /// Throws `ArtifactError.missingFile`, `.notReadable`, or `.corrupt` that names the line.
  public static func read(_ path: String) throws -> [[String: Double]] {
    try records(path).map(\.values)
  }

  /// Removes the lines after `step`, as a run must that resumes there: it will write them again. A log that
  /// does not exist is left so. Throws as `read`, and `ArtifactError.inputOutput`.
  public static func truncate(_ path: String, afterStep step: Int) throws {
    guard FileAccess.exists(path) else { return }
    let kept = try records(path).filter { $0.values["step", default: 0] <= Double(step) }
    let text = kept.map { $0.line + "\n" }.joined()
    try AtomicFile.write(Data(text.utf8), to: path)
  }

  private static let newline = UInt8(ascii: "\n")

  private static func records(_ path: String) throws -> [(line: String, values: [String: Double])] {
    let contents = try FileAccess.contents(of: path)
    let lines = contents.split(separator: newline, omittingEmptySubsequences: false)
    // What follows the last newline is nothing, or a line that a killed process did not finish.
    return try lines.dropLast().enumerated().map { index, line in
      guard let values = try? JSONDecoder().decode([String: Double].self, from: Data(line)),
        let step = values["step"], Int(exactly: step) != nil
      else {
        throw ArtifactError.corrupt(path: path, detail: "line \(index + 1) is not a record of numbers with a step")
      }
      return (String(decoding: line, as: UTF8.self), values)
    }
  }

  private static func quoted(_ name: String) -> String {
    var text = "\""
    for scalar in name.unicodeScalars {
      switch scalar {
      case "\"", "\\": text += "\\\(scalar)"
      case _ where scalar.value < 0x20: text += String(format: "\\u%04x", scalar.value)
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
