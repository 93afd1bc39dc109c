import Artifacts
import Foundation
import TestSupport

extension TemporaryFolder {
  /// Names in the folder, hidden ones included.
  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

func contents(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
