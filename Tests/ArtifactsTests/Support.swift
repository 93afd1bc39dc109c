import Artifacts
import Foundation
import TestSupport

extension TemporaryFolder {
  /// As `write`, into the file that is there, without emptying it first: ext4 flushes an emptied file when it is closed,
  /// and thousands of them take minutes.
  func overwrite(_ bytes: [UInt8], _ name: String) throws -> String {
    let descriptor = open(file(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(descriptor) }
    guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count, ftruncate(descriptor, bytes.count) == 0 else {
      throw POSIXError(.EIO)
    }
    return file(name)
  }

  /// Names in the folder, hidden ones included.
  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

func contents(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
