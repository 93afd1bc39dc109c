import Foundation

/// Keys and values by which the processes of a job find each other, as devices that add up over several hosts need them. The
/// first process keeps them; the others ask it.
public final class KeyValues: @unchecked Sendable {
  // Unchecked: what changes is guarded by `change`.
  private let change = NSCondition()
  /// In the first process all values, in the others those that it has told.
  private var values: [String: [UInt8]] = [:]
  /// In the first process, who has asked for what is not there yet.
  private var asked: [String: [Int]] = [:]
  /// Answers to whether a value is there yet, of those that are not.
  private var refusals: [String: Int] = [:]
  private let isFirst: Bool
  private let post: @Sendable (_ to: Int, _ bytes: [UInt8]) -> Void

  /// What a message is; its first byte.
  enum Kind: UInt8 {
    /// A sign of life, which is none of this.
    case life
    /// A key's value.
    case value
    /// Asks for a key's value as soon as there is one.
    case want
    /// Asks for a key's value, or the word that there is none.
    case look
    /// There is none.
    case none
  }

  /// - Parameter post: sends a message to a process.
  init(isFirst: Bool, post: @escaping @Sendable (_ to: Int, _ bytes: [UInt8]) -> Void) {
    (self.isFirst, self.post) = (isFirst, post)
  }

  /// Gives a key its value, which does not change afterwards.
  public func put(_ key: String, _ value: [UInt8]) {
    if isFirst { store(key, value) } else { post(0, Self.message(.value, key, value)) }
  }

  /// The value of a key, for which it waits; nil where no process gives it in time.
  public func get(_ key: String, timeout: Duration) -> [UInt8]? {
    let end = Date(timeIntervalSinceNow: timeout / .seconds(1))
    change.lock()
    defer { change.unlock() }
    if values[key] == nil, !isFirst { post(0, Self.message(.want, key)) }
    while values[key] == nil {
      guard change.wait(until: end) else { return values[key] }
    }
    return values[key]
  }

  /// The value of a key that has one already.
  public func tryGet(_ key: String) -> [UInt8]? {
    change.lock()
    defer { change.unlock() }
    if values[key] != nil || isFirst { return values[key] }
    let before = refusals[key, default: 0]
    post(0, Self.message(.look, key))
    while values[key] == nil, refusals[key, default: 0] == before { change.wait() }
    return values[key]
  }

  /// Takes a message of another process.
  func receive(_ bytes: [UInt8], from process: Int) {
    guard let (kind, key, value) = Self.contents(bytes) else { return }
    switch kind {
    case .life: return
    case .value: store(key, value)
    case .want, .look:
      change.lock()
      let known = values[key]
      if known == nil, kind == .want { asked[key, default: []].append(process) }
      change.unlock()
      if let known {
        post(process, Self.message(.value, key, known))
      } else if kind == .look {
        post(process, Self.message(.none, key))
      }
    case .none:
      change.lock()
      refusals[key, default: 0] += 1
      change.broadcast()
      change.unlock()
    }
  }

  private func store(_ key: String, _ value: [UInt8]) {
    change.lock()
    values[key] = value
    let waiting = asked.removeValue(forKey: key) ?? []
    change.broadcast()
    change.unlock()
    for process in waiting { post(process, Self.message(.value, key, value)) }
  }

  // MARK: Messages: kind, bytes of the key in two bytes, key, value

  private static func message(_ kind: Kind, _ key: String, _ value: [UInt8] = []) -> [UInt8] {
    let name = Array(key.utf8)
    precondition(name.count <= UInt16.max, "KeyValues: a key of \(name.count) bytes")
    return [kind.rawValue, UInt8(name.count & 0xff), UInt8(name.count >> 8)] + name + value
  }

  private static func contents(_ bytes: [UInt8]) -> (kind: Kind, key: String, value: [UInt8])? {
    guard bytes.count >= 3, let kind = Kind(rawValue: bytes[0]) else { return nil }
    let count = Int(bytes[1]) | Int(bytes[2]) << 8
    guard bytes.count >= 3 + count else { return nil }
    return (kind, String(decoding: bytes[3..<3 + count], as: UTF8.self), Array(bytes[(3 + count)...]))
  }
}
