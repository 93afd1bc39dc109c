import Foundation

/// `python3`, where there is one.
public enum Python {
  /// Whether it has a package; a test that needs one is skipped where it has not, and the test run says so.
  public static func has(_ package: String) -> Bool {
    let has = (try? run(["-c", "import \(package)"]))?.status == 0
    if !has { print("python3 has no \(package): a test is skipped") }
    return has
  }

  /// Runs it to the end: its status, and what it printed.
  public static func run(_ arguments: [String], in folder: String = "/") throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-B"] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}
