import Foundation

extension ImageFileCheck {
  /// Walks through the parts of a JPEG file to its end; what follows that is passed over.
  init(jpeg file: MappedBytes) throws {
    func corrupt(_ detail: String) -> ArtifactError { .corrupt(path: file.path, detail: detail) }
    func unsupported(_ detail: String) -> ArtifactError { .unsupported(path: file.path, detail: detail) }
    let (header, orientation, checksum) = try file.withUnsafeBytes { bytes in
      var parts = JPEGParts(bytes)
      var header: JPEGParts.Header?
      var (hasPixels, isWhole) = (false, false)
      while !isWhole, let part = try parts.next(corrupt) {
        switch part {
        case .header(let found):
          guard header == nil, !hasPixels else { throw corrupt("the image has two headers") }
          header = found
        case .pixels: hasPixels = true
        case .end: isWhole = true
        case .other: break
        }
      }
      guard isWhole else { throw corrupt("the file ends too early") }
      guard let header, hasPixels else { throw corrupt("the image has no header or no pixels") }
      return (header, JPEGParts.orientation(of: bytes), CRC32.checksum(bytes))
    }
    guard header.width > 0, header.height > 0 else { throw corrupt("the image's header is damaged") }
    guard RGBImage.canDecode(width: header.width, height: header.height) else {
      throw RGBImage.tooLarge(file.path, width: header.width, height: header.height)
    }
    guard header.isCommon else { throw unsupported("a rare kind of JPEG (lossless, hierarchical or not of 8 bits)") }
    guard [1, 3, 4].contains(header.components) else {
      throw unsupported("a JPEG of \(header.components) colour components")
    }
    let (width, height) = orientation.swapsSides ? (header.height, header.width) : (header.width, header.height)
    self.init(format: .jpeg, width: width, height: height, hasAlpha: false, checksum: checksum)
  }
}

/// The parts of a JPEG file, from its first to the end of the image (ITU-T T.81, annex B).
struct JPEGParts {
  /// What a frame header states.
  struct Header {
    let width: Int
    let height: Int
    let components: Int
    /// Baseline, extended or progressive, of 8 bits a sample.
    let isCommon: Bool
  }

  /// A part, as far as it matters.
  enum Part {
    case header(Header)
    /// A scan with its data.
    case pixels
    case end
    /// Its marker and what it holds.
    case other(UInt8, UnsafeRawBufferPointer)
  }

  private let bytes: UnsafeRawBufferPointer
  private var position: Int

  /// - Parameter bytes: a file, whose first two bytes are those of JPEG.
  init(_ bytes: UnsafeRawBufferPointer) { (self.bytes, position) = (bytes, 2) }

  /// The next part; nil where the file ends before it. Bytes between parts are passed over, as libjpeg does.
  /// - Throws: what `corrupt` makes of a description, for what no JPEG file has.
  mutating func next(_ corrupt: (String) -> ArtifactError) throws -> Part? {
    guard let marker = nextMarker() else { return nil }
    switch marker {
    case 0x01, 0xD0...0xD7: return .other(marker, UnsafeRawBufferPointer(rebasing: bytes[position..<position]))
    case 0xD9: return .end
    // Tables, applications, comments, the number of lines; frames; scans.
    case 0xC0...0xCF, 0xDA...0xDD, 0xE0...0xEF, 0xFE: break
    default: throw corrupt("a part of it is none of JPEG's")
    }
    guard position + 2 <= bytes.count else { return nil }
    let length = big(at: position)
    guard length >= 2 else { throw corrupt("a part of it has no length") }
    guard position + length <= bytes.count else { return nil }
    let body = UnsafeRawBufferPointer(rebasing: bytes[position + 2..<position + length])
    position += length
    switch marker {
    case 0xC4, 0xCC: return .other(marker, body)
    case 0xC0...0xCF:
      guard body.count >= 6 else { throw corrupt("the image's header is damaged") }
      return .header(
        Header(
          width: big(body, at: 3), height: big(body, at: 1), components: Int(body[5]),
          isCommon: [0xC0, 0xC1, 0xC2, 0xC9, 0xCA].contains(marker) && body[0] == 8))
    case 0xDA:
      skipData()
      return .pixels
    default: return .other(marker, body)
    }
  }

  /// How the image lies in a file.
  static func orientation(of bytes: UnsafeRawBufferPointer) -> ImageOrientation {
    var parts = JPEGParts(bytes)
    let name = Array("Exif\0".utf8)
    while let part = try? parts.next({ .corrupt(path: "", detail: $0) }) {
      switch part {
      case .other(0xE1, let body) where body.count >= 6 && body.starts(with: name):
        return ImageOrientation(exif: UnsafeRawBufferPointer(rebasing: body[6...]))
      case .header, .other: break
      case .pixels, .end: return .upright
      }
    }
    return .upright
  }

  /// Goes behind the next marker.
  private mutating func nextMarker() -> UInt8? {
    while let start = bytes[position...].firstIndex(of: 0xFF) {
      position = start + 1
      while position < bytes.count, bytes[position] == 0xFF { position += 1 }
      guard position < bytes.count else { return nil }
      position += 1
      if bytes[position - 1] != 0 { return bytes[position - 1] }
    }
    position = bytes.count
    return nil
  }

  /// Goes over coded data to the marker that ends it: 0xFF before 0 or a restart's number belongs to the data.
  private mutating func skipData() {
    while position < bytes.count, let base = bytes.baseAddress,
      let found = memchr(base + position, 0xFF, bytes.count - position)
    {
      position = base.distance(to: UnsafeRawPointer(found))
      guard position + 1 < bytes.count else { break }
      let next = bytes[position + 1]
      guard next == 0 || next == 0xFF || (0xD0...0xD7).contains(next) else { return }
      position += next == 0xFF ? 1 : 2
    }
    position = bytes.count
  }

  private func big(at position: Int) -> Int { big(bytes, at: position) }

  private func big(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int {
    Int(bytes[position]) << 8 | Int(bytes[position + 1])
  }
}
