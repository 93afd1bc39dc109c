import Foundation

/// One download with the `curl` program, which goes on where the file ends.
struct CurlTransfer {
  /// What curl said.
  struct Outcome {
    /// curl's own, as its manual lists them; 127 where there is no curl.
    let exitCode: Int32
    /// HTTP status of the last answer; 0 where none came.
    let status: Int
    /// What the last answer claims to be.
    let contentType: String
    /// curl's words on a failure.
    let message: String

    /// The answer to a request for a part that begins at the end of the file.
    var isPastEnd: Bool { status == 416 }
    /// The server sends files from their beginning only.
    var refusesRange: Bool { exitCode == 33 }
    /// The connection broke or stalled: what came so far is good.
    var isBroken: Bool { [18, 28, 52, 55, 56, 92].contains(exitCode) }
  }

  let url: String
  /// The file that grows; made where it is not there.
  let destination: String

  /// Between two looks at the file.
  private static let interval: UInt32 = 50_000

  /// Transfers to the end.
  /// - Parameter watch: called now and then with the file's size. What it throws ends the transfer and is thrown; the
  ///   file keeps what has come.
  /// - Throws: `ArtifactError.unavailable` where curl does not start.
  func run(watch: (_ bytes: Int) throws -> Void) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "curl", "--fail", "--location", "--silent", "--show-error", "--proto", "=http,https", "--continue-at", "-",
      "--output", destination, "--connect-timeout", "30", "--speed-limit", "1", "--speed-time", "60", "--write-out",
      "%{http_code} %{content_type}", "--url", url,
    ]
    let (output, log) = (Pipe(), Pipe())
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = log
    do {
      try process.run()
    } catch {
      throw ArtifactError.unavailable(source: url, detail: "curl does not start (\(error.localizedDescription))")
    }
    do {
      while process.isRunning {
        usleep(Self.interval)
        try watch(Self.size(of: destination))
      }
      // What ended curl may be the Ctrl-C that is meant for both.
      try watch(Self.size(of: destination))
    } catch {
      // This signal ends it always, and what it has written is there.
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      throw error
    }
    process.waitUntilExit()
    let answer = Self.text(output).split(separator: " ", maxSplits: 1)
    return Outcome(
      exitCode: process.terminationStatus, status: answer.first.flatMap { Int($0) } ?? 0,
      contentType: answer.count > 1 ? answer[1].lowercased() : "",
      message: Self.text(log).split(whereSeparator: \.isNewline).joined(separator: " "))
  }

  /// Bytes of a file; 0 where there is none.
  static func size(of path: String) -> Int {
    (try? FileAccess.status(path)).flatMap { $0 }.map { Int($0.st_size) } ?? 0
  }

  private static func text(_ pipe: Pipe) -> String {
    String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  }
}
