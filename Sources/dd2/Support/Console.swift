import Artifacts
import Foundation
import Processes

/// The process's two output streams: results on stdout, all else on stderr.
enum Console {
  /// Whether stderr is a terminal, where a line can be redrawn.
  static let isInteractive = isatty(STDERR_FILENO) == 1

  /// Columns of the terminal behind stderr; 80 where there is none.
  static var columns: Int {
    var size = winsize()
    let status = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size)
    return status == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  /// Prints a result, in the first process of a job.
  ///
  /// A reader that has gone away, as in `dd2 report RUN | head -1`, has what it wanted and is no error.
  /// - Throws: `ArtifactError.inputOutput` where stdout cannot be written: a full disk behind a redirection.
  static func result(_ text: String) throws {
    guard ProcessGroup.current.isFirst else { return }
    if let code = write(text + "\n", to: STDOUT_FILENO), code != EPIPE {
      throw ArtifactError.inputOutput(path: "standard output", detail: String(cString: strerror(code)))
    }
  }

  /// Prints a result as JSON with sorted keys.
  /// - Throws: as `result(_:)`.
  static func result(json value: some Encodable) throws {
    try result(String(decoding: try jsonEncoder.encode(value), as: UTF8.self))
  }

  /// The form of all JSON that dd2 prints or writes beside images: readable, snake case.
  static var jsonEncoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return encoder
  }

  /// Reads what `jsonEncoder` writes.
  static var jsonDecoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }

  /// Prints a line on stderr. Work goes on where nobody can read it.
  ///
  /// Names of files may hold anything: control characters are shown, not obeyed.
  static func line(_ text: String) {
    let shown = text.unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
    }
    _ = write(shown.joined() + "\n", to: STDERR_FILENO)
  }

  /// Writes to stderr from a signal handler, over the bar of a terminal: a text that takes no memory.
  static func write(_ text: StaticString) {
    func put(_ part: StaticString) { _ = Foundation.write(STDERR_FILENO, part.utf8Start, part.utf8CodeUnitCount) }
    if isInteractive { put("\r\u{1B}[K") }
    put(text)
  }

  /// Replaces the terminal's current line.
  static func redraw(_ text: String) { _ = write("\r\u{1B}[K" + text, to: STDERR_FILENO) }

  /// Writes every byte; the system's error code where it fails.
  private static func write(_ text: String, to descriptor: Int32) -> Int32? {
    let bytes = text.pathBytes
    return bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let count = Foundation.write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
        if count >= 0 {
          done += count
        } else if errno != EINTR {
          return errno
        }
      }
      return nil
    }
  }
}
