import Foundation

/// A counter-based random stream (Philox-4x32-10, Salmon et al. 2011) keyed by (seed, purpose, step, index).
///
/// Equal keys give equal numbers; what one stream draws never shifts another. A sample that draws from the stream
/// of its own index therefore does not depend on batch size, thread count or the number of processes. Steps and indices
/// are told apart below 2^48: larger ones have the streams of smaller ones.
public struct RandomStream: Sendable {
  private let key: RandomKey
  private let index: UInt32
  private let step: UInt32
  private let high: UInt32
  private var block: UInt32 = 0
  private var buffer: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
  private var used = 4
  private var spareNormal: Float?

  /// A stream at its beginning.
  /// - Parameters:
  ///   - seed: the run's seed.
  ///   - purpose: what the numbers are for, such as `"generator.noise"`; streams of different purposes are independent.
  ///   - step: training step or another counter.
  ///   - index: sample number.
  public init(seed: UInt64, purpose: String, step: Int = 0, index: Int = 0) {
    self.init(key: RandomKey(seed: seed, purpose: purpose), step: step, index: index)
  }

  init(key: RandomKey, step: Int, index: Int) {
    self.key = key
    self.index = UInt32(truncatingIfNeeded: index)
    self.step = UInt32(truncatingIfNeeded: step)
    high = UInt32(truncatingIfNeeded: (index >> 32) << 16 | (step >> 32) & 0xffff)
  }

  /// One Philox-4x32-10 block.
  static func philox(
    counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
  ) -> (UInt32, UInt32, UInt32, UInt32) {
    var (c0, c1, c2, c3) = counter
    var (k0, k1) = key
    for _ in 0..<10 {
      let p0 = UInt64(0xd251_1f53) &* UInt64(c0)
      let p1 = UInt64(0xcd9e_8d57) &* UInt64(c2)
      (c0, c1, c2, c3) = (
        UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: p1),
        UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: p0)
      )
      k0 = k0 &+ 0x9e37_79b9
      k1 = k1 &+ 0xbb67_ae85
    }
    return (c0, c1, c2, c3)
  }

  /// The next 32 random bits.
  public mutating func nextBits() -> UInt32 {
    if used == 4 {
      buffer = Self.philox(counter: (block, index, step, high), key: (key.words.0, key.words.1))
      block &+= 1
      used = 0
    }
    defer { used += 1 }
    switch used {
    case 0: return buffer.0
    case 1: return buffer.1
    case 2: return buffer.2
    default: return buffer.3
    }
  }

  /// Uniform in [0, 1), 24 bits.
  public mutating func uniform() -> Float { Float(nextBits() >> 8) * 0x1p-24 }

  /// Uniform in [low, high).
  public mutating func uniform(_ low: Float, _ high: Float) -> Float { low + (high - low) * uniform() }

  /// Uniform integer in `0..<bound`.
  public mutating func integer(below bound: Int) -> Int {
    Int((UInt64(nextBits()) &* UInt64(bound)) >> 32)
  }

  /// Standard normal (Box-Muller).
  public mutating func normal() -> Float {
    if let spare = spareNormal {
      spareNormal = nil
      return spare
    }
    let radius = (-2 * log((Float(nextBits() >> 8) + 1) * 0x1p-24)).squareRoot()
    let angle = 2 * Float.pi * uniform()
    spareNormal = radius * sin(angle)
    return radius * cos(angle)
  }
}
