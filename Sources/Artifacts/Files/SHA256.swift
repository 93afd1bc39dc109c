import CShims
import Foundation

/// A SHA-256 of bytes that come piece by piece.
final class SHA256 {
  private let hash: OpaquePointer

  init() {
    guard let hash = dd2_sha256_open() else { fatalError("libcrypto gives no SHA-256: check its configuration") }
    self.hash = hash
  }

  deinit { dd2_sha256_close(hash) }

  func update(_ bytes: Data) {
    let status = bytes.withUnsafeBytes { dd2_sha256_update(hash, $0.baseAddress, $0.count) }
    precondition(status == 0, "SHA256: libcrypto refuses bytes")
  }

  /// The hash in hexadecimal digits. Nothing may follow.
  func finish() -> String {
    var digest = [UInt8](repeating: 0, count: Int(DD2_SHA256_BYTES))
    precondition(dd2_sha256_finish(hash, &digest) == 0, "SHA256: libcrypto gives no hash")
    return digest.map { String(format: "%02x", $0) }.joined()
  }
}
