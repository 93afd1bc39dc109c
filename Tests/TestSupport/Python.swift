import Foundation
import Testing

/// Python programs in tests, which run where there is one with the packages that they import.
public enum Python {
  /// Whether `python3`, or the one that `DD2_PYTHON` names, can import a package. Where not, the test run says so.
  public static func has(_ package: String) -> Bool {
    let has = (try? run("import \(package)", [])) != nil
    if !has { print("no python3 with \(package): a test is skipped") }
    return has
  }

  /// What a program prints.
  /// - Throws: where it fails.
  public static func run(_ program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    let python = ProcessInfo.processInfo.environment["DD2_PYTHON"] ?? "python3"
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [python, "-c", program] + arguments
    let pipe = Pipe()
    (process.standardOutput, process.standardError) = (pipe, FileHandle.nullDevice)
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(status: process.terminationStatus) }
    return output
  }

  private struct Failure: Error { let status: Int32 }
}
