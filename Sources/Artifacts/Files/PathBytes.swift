import Foundation

/// Names of files are bytes, and not all of them UTF-8: `out\xE9` is a name like any other. In a `String` each byte that is
/// no UTF-8 stands as a character of its own, U+10FE00 plus the byte, in the last plane for private use; where the system
/// is called it is the byte again.
extension String {
  private static let escapes: ClosedRange<UInt32> = 0x10FE80...0x10FEFF

  /// A name or path of the given bytes.
  public init(pathBytes bytes: some Collection<UInt8>) {
    let bytes = Array(bytes)
    // A name that holds the characters of the escapes themselves is escaped too, or it would come back as another.
    if let text = String(validating: bytes, as: UTF8.self), !text.hasEscapes {
      self = text
      return
    }
    var scalars = String.UnicodeScalarView()
    var position = 0
    while position < bytes.count {
      let scalar = (1...4).lazy.compactMap { Self.scalar(bytes[position...].prefix($0)) }.first
      if let scalar, !Self.escapes.contains(scalar.value) {
        scalars.append(scalar)
        position += String(scalar).utf8.count
      } else {
        scalars.append(Unicode.Scalar(0x10FE00 + UInt32(bytes[position])) ?? "\u{FFFD}")
        position += 1
      }
    }
    self.init(scalars)
  }

  /// A name or path as the system gives it.
  public init(path: UnsafePointer<CChar>) {
    self.init(pathBytes: UnsafeRawBufferPointer(start: path, count: strlen(path)))
  }

  /// The bytes of the name or path.
  public var pathBytes: [UInt8] {
    guard hasEscapes else { return Array(utf8) }
    return unicodeScalars.flatMap { scalar in
      Self.escapes.contains(scalar.value) ? [UInt8(scalar.value - 0x10FE00)] : Array(String(scalar).utf8)
    }
  }

  /// Calls `body` with the path as the system takes it.
  public func withPath<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
    guard hasEscapes else { return try withCString(body) }
    return try (pathBytes + [0]).withUnsafeBufferPointer { bytes in
      try bytes.withMemoryRebound(to: CChar.self) { characters in
        guard let start = characters.baseAddress else { preconditionFailure("a path without bytes") }
        return try body(start)
      }
    }
  }

  private var hasEscapes: Bool {
    // The escapes' first byte in UTF-8, which hardly any name has.
    utf8.contains(0xF4) && unicodeScalars.contains { Self.escapes.contains($0.value) }
  }

  private static func scalar(_ bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
    guard let text = String(validating: bytes, as: UTF8.self), text.unicodeScalars.count == 1 else { return nil }
    return text.unicodeScalars.first
  }
}

/// Parts of paths, by the slashes in them; nothing is looked up.
extension String {
  /// The last part: `c.h5` of `a/b/c.h5` and of `a/b/c.h5/`.
  public var pathName: String { String(trimmedPath.split(separator: "/").last ?? "/") }

  /// The folder that the path lies in: `a/b` of `a/b/c.h5`, `.` of a bare name.
  public var pathFolder: String {
    let path = trimmedPath
    guard let slash = path.lastIndex(of: "/") else { return "." }
    let folder = path[..<slash]
    return folder.isEmpty ? "/" : String(folder)
  }

  /// What follows the last dot of the name, in lower case; empty where there is none.
  public var pathExtension: String {
    let name = pathName
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return "" }
    return name[name.index(after: dot)...].lowercased()
  }

  private var trimmedPath: Substring {
    var path = self[...]
    while path.count > 1, path.last == "/" { path = path.dropLast() }
    return path
  }
}
