import TensorCore
import XLADevice

/// What an H100 does at most: the time that no program of some cost can beat there.
struct Roofline {
  /// Operations a second in products of networks.
  let products: Double
  /// Operations a second in all else, which is of 32-bit numbers.
  let others = 60e12
  /// Bytes a second to and from memory.
  let bandwidth = 3e12
  /// Bytes of a number that enters a product.
  let operandBytes: Double

  /// With products of some precision.
  init(_ precision: Precision) {
    (products, operandBytes) =
      switch precision {
      // Assumed: nine tenths of the data sheet's 67 TFLOP/s.
      case .float32: (60e12, 4)
      // Assumed: half of bfloat16's rate on the data sheet of an H100 PCIe.
      case .tf32: (378e12, 4)
      // Measured on an H100.
      case .bfloat16: (790e12, 2)
      }
  }

  /// The bytes that a program moves at least.
  func bytes(_ cost: ProgramCost) -> Double {
    Double(cost.productBytes) * operandBytes / 4 + Double(cost.otherBytes)
  }

  /// Seconds that a program takes at least: those of its arithmetic, or of its memory traffic where that takes longer.
  func seconds(_ cost: ProgramCost) -> Double {
    let arithmetic = Double(cost.productFLOPs) / products + Double(cost.otherFLOPs) / others
    return max(arithmetic, bytes(cost) / bandwidth)
  }
}
