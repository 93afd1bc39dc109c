/// Random damage, the same for the same seed.
public struct Mutator: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  /// Splitmix64.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A copy with one or two changes.
  public mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...2, using: &self) where !bytes.isEmpty { change(&bytes) }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    let position = Int.random(in: 0..<bytes.count, using: &self)
    let end = min(bytes.count, position + Int.random(in: 1...24, using: &self))
    let other = Int.random(in: 0...bytes.count, using: &self)
    switch Int.random(in: 0..<8, using: &self) {
    case 0, 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &self)
    case 2: bytes[position] = UInt8.random(in: 0...255, using: &self)
    case 3, 4: overwrite(&bytes, at: position)
    case 5: bytes.removeSubrange(position..<end)
    case 6: bytes.insert(contentsOf: Array(bytes[position..<end]), at: other)
    default:
      bytes.removeSubrange(max(position, bytes.count - 64)...)
    }
  }

  /// Puts a number that tends to break arithmetic over one to eight bytes.
  private mutating func overwrite(_ bytes: inout [UInt8], at position: Int) {
    let numbers: [UInt64] = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 62, .max >> 1, .max - 7, .max]
    let width = [1, 2, 4, 8].randomElement(using: &self) ?? 1
    let number = littleEndian(numbers.randomElement(using: &self) ?? 0)
    for index in 0..<width where position + index < bytes.count { bytes[position + index] = number[index] }
  }
}
