import Artifacts
import Foundation

/// A folder that is gone when the test is over.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("dd2-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ data: Data, _ name: String) throws -> String {
    try data.write(to: URL(fileURLWithPath: file(name)))
    return file(name)
  }

  /// Names in the folder, hidden ones included.
  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

func contents(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

/// The error of `body`, nil if it throws none or one of another type.
func artifactError(_ body: () throws -> Void) -> ArtifactError? {
  do {
    try body()
    return nil
  } catch {
    return error as? ArtifactError
  }
}

/// The name of an error's case.
func name(of error: ArtifactError?) -> String? {
  error.flatMap { Mirror(reflecting: $0).children.first?.label }
}
