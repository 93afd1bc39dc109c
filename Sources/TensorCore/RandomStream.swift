import Foundation

/// A counter-based random stream (Philox-4x32-10, Salmon et al. 2011) keyed by (seed, purpose, step, index).
///
/// Equal keys give equal numbers; what one stream draws never shifts another. A sample that draws from the stream
/// of its own index therefore does not depend on batch size, thread count or the number of processes. Steps and indices
/// are told apart below 2^48: larger ones have the streams of smaller ones.
public struct RandomStream: Sendable {
  private let key: (UInt32, UInt32)
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
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in purpose.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let mixed = Self.mix(seed &+ Self.mix(hash))
    key = (UInt32(truncatingIfNeeded: mixed), UInt32(truncatingIfNeeded: mixed >> 32))
    self.index = UInt32(truncatingIfNeeded: index)
    self.step = UInt32(truncatingIfNeeded: step)
    high = UInt32(truncatingIfNeeded: (index >> 32) << 16 | (step >> 32) & 0xffff)
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
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
      buffer = Self.philox(counter: (block, index, step, high), key: key)
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

extension Tensor {
  /// Standard normal noise; row i of the first axis comes from the stream of sample `firstIndex + i`.
  public static func normal(
    _ shape: Shape, seed: UInt64, purpose: String, step: Int = 0, firstIndex: Int = 0
  ) -> Tensor {
    random(shape, seed: seed, purpose: purpose, step: step, firstIndex: firstIndex) { $0.normal() }
  }

  /// Uniform numbers in [low, high); row i of the first axis comes from the stream of sample `firstIndex + i`.
  public static func uniform(
    _ shape: Shape, low: Float, high: Float, seed: UInt64, purpose: String, step: Int = 0, firstIndex: Int = 0
  ) -> Tensor {
    random(shape, seed: seed, purpose: purpose, step: step, firstIndex: firstIndex) { $0.uniform(low, high) }
  }

  private static func random(
    _ shape: Shape, seed: UInt64, purpose: String, step: Int, firstIndex: Int,
    _ draw: (inout RandomStream) -> Float
  ) -> Tensor {
    precondition(shape.rank >= 1, "random: a shape with a sample axis, got \(shape)")
    let width = shape.count / max(shape[0], 1)
    let elements = [Float](unsafeUninitializedCapacity: shape.count) { buffer, count in
      nonisolated(unsafe) let drawn = buffer
      ThreadPool.shared.forEachRange(shape[0], grain: max(1, 1024 / max(width, 1))) { rows in
        for row in rows {
          var stream = RandomStream(seed: seed, purpose: purpose, step: step, index: firstIndex + row)
          for i in 0..<width { drawn[row * width + i] = draw(&stream) }
        }
      }
      count = shape.count
    }
    return Tensor(elements, shape)
  }
}
