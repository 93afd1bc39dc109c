import Foundation
import Synchronization

/// A web server for one file that misbehaves as asked, on this machine alone.
final class LoopbackServer: Sendable {
  /// How it answers.
  struct Behaviour: Sendable {
    var status = "200 OK"
    var type = "application/octet-stream"
    var body: [UInt8] = []
    var knowsRanges = true
    /// Bytes of the first answer's body before the connection is closed; nil for all.
    var firstAnswerBytes: Int?
    /// Bytes between pauses of 20 ms; nil for no pause.
    var slice: Int?
    /// Whether the answer says how long it is.
    var saysLength = true
  }

  let url: String
  private let listener: Int32
  private let behaviour: Behaviour
  /// Where the requested ranges began, in order; 0 without a range.
  private let starts = Mutex<[Int]>([])

  var requestedStarts: [Int] { starts.withLock { $0 } }

  init(_ behaviour: Behaviour) throws {
    self.behaviour = behaviour
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, length) == 0 && listen(descriptor, 4) == 0
          && getsockname(descriptor, address, &length) == 0
      }
    }
    guard status else { throw POSIXError(.EADDRNOTAVAIL) }
    url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/file.bin"
    Thread { [self] in serve() }.start()
  }

  /// Ends the server; its thread holds it until then.
  func close() { shutdown(listener, Int32(SHUT_RDWR)) }

  private func serve() {
    while true {
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { break }
      answer(connection)
      Glibc.close(connection)
    }
    Glibc.close(listener)
  }

  private func answer(_ connection: Int32) {
    var buffer = [UInt8](repeating: 0, count: 8192)
    let count = recv(connection, &buffer, buffer.count, 0)
    guard count > 0 else { return }
    let request = String(decoding: buffer[..<count], as: UTF8.self)
    let start = request.firstMatch(of: /Range: bytes=(\d+)-/).flatMap { Int($0.1) } ?? 0
    let isFirst = starts.withLock { starts in
      starts.append(start)
      return starts.count == 1
    }
    let body = behaviour.body
    var head = "HTTP/1.1 \(behaviour.status)"
    var rest = body[...]
    if start > 0, behaviour.knowsRanges {
      guard start < body.count else {
        send(
          Array("HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8), connection
        )
        return
      }
      rest = body[start...]
      head = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes \(start)-\(body.count - 1)/\(body.count)"
    }
    if behaviour.saysLength { head += "\r\nContent-Length: \(rest.count)" }
    send(Array("\(head)\r\nContent-Type: \(behaviour.type)\r\nConnection: close\r\n\r\n".utf8), connection)
    if isFirst, let bytes = behaviour.firstAnswerBytes { rest = rest.prefix(bytes) }
    while !rest.isEmpty {
      let slice = Array(rest.prefix(behaviour.slice ?? rest.count))
      guard send(slice, connection) else { return }
      rest = rest.dropFirst(slice.count)
      if behaviour.slice != nil { usleep(20_000) }
    }
  }

  @discardableResult
  private func send(_ bytes: [UInt8], _ connection: Int32) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }
}
