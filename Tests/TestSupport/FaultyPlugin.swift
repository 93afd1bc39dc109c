import Foundation

/// A device plugin that fails as the environment asks: see `Tests/FaultyPlugin/faulty_plugin.c`.
public enum FaultyPlugin {
  /// Compiles the plugin, with the compiler that comes with Swift.
  /// - Throws: `POSIXError` where that fails.
  public static func build(at path: String) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
      .standardizedFileURL.path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "clang", "-std=gnu17", "-shared", "-fPIC", "-I\(root)/Sources/CPJRT", "-I\(root)/Sources/CPJRT/include", "-o",
      path,
      "\(root)/Tests/FaultyPlugin/faulty_plugin.c", "-ldl",
    ]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw POSIXError(.ENOEXEC) }
  }
}
