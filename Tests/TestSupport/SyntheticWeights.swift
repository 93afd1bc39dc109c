import TensorCore

/// The weights and inputs with which the golden files were recorded, computed from their names.
///
/// Element i of `name`: s = FNV-1a of the name, z = splitmix64 of state s + (i+1) golden ratio,
/// u = (z >> 40) / 2^24; then two or more dimensions give (2u-1) sqrt(3 / fan-in), names ending `running_var`
/// 1 + 0.5u, other names ending `.weight` 1 + 0.1(2u-1), the rest 0.1(2u-1).
public enum SyntheticWeights {
  /// Elements of the weight `name`, row-major, computed in Double and rounded to Float.
  /// - Parameter gain: factor before rounding (the Inception goldens use sqrt 2 on convolutions).
  public static func values(_ name: String, _ shape: Shape, gain: Double = 1) -> [Float] {
    let distribution = Distribution(name: name, shape: shape)
    let state = fnv1a(name)
    return (0..<shape.count).map { index in
      let z = splitmix(state &+ (UInt64(index) &+ 1) &* 0x9e37_79b9_7f4a_7c15)
      let u = Double(z >> 40) / Double(1 << 24)
      let position = distribution.isSigned ? 2 * u - 1 : u
      return Float(gain * (distribution.centre + distribution.spread * position))
    }
  }

  /// The weight `name` as a tensor.
  public static func tensor(_ name: String, _ shape: Shape, gain: Double = 1) -> Tensor {
    Tensor(values(name, shape, gain: gain), shape)
  }

  private struct Distribution {
    var centre = 0.0
    var spread = 0.1
    var isSigned = true

    init(name: String, shape: Shape) {
      if shape.rank >= 2 {
        spread = (3 / Double(shape.dimensions.dropFirst().reduce(1, *))).squareRoot()
      } else if name.hasSuffix("running_var") {
        (centre, spread, isSigned) = (1, 0.5, false)
      } else if name.hasSuffix(".weight") {
        centre = 1
      }
    }
  }

  private static func fnv1a(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  private static func splitmix(_ state: UInt64) -> UInt64 {
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
