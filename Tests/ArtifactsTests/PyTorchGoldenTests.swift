import Artifacts
import Foundation
import TensorCore
import TestSupport
import Testing

/// Files that PyTorch itself wrote, of weights computed from their names: every element.
@Suite struct PyTorchGoldenTests {
  /// L and the scales' sides, as in `golden-var.h5`.
  private static let patchCounts = [1, 2, 3, 4]

  @Test(arguments: [("golden-var.pth", WeightsFile.Format.pytorch), ("golden-var-legacy.pth", .pytorchLegacy)])
  func var_(file: String, format: WeightsFile.Format) throws {
    let weights = try WeightsFile.open(Goldens.path(file)).stateDictionary()
    #expect(weights.format == format)
    #expect(weights.entries.count == 38)
    for entry in weights.entries {
      let array = try weights.array(entry.name)
      #expect(array == expectedVAR(entry), "\(entry.name)")
      #expect(array.count > 0)
    }
  }

  @Test func llamaGen() throws {
    let weights = try WeightsFile.open(Goldens.path("golden-llamagen-gpt.pt")).stateDictionary()
    #expect(weights.location == "model")
    #expect(weights.entries.count == 18)
    for entry in weights.entries {
      #expect(entry.type == .float32)
      #expect(
        try weights.array(entry.name) == HostArray(shape: entry.shape, synthetic("golden-llamagen.gpt.", entry)),
        "\(entry.name)")
    }
  }

  private func synthetic(_ prefix: String, _ entry: WeightsFile.Entry) -> [Float] {
    SyntheticWeights.values(prefix + entry.name, Shape(entry.shape))
  }

  /// Masks, level numbers and temperatures follow VAR's own rules, all else the formula.
  private func expectedVAR(_ entry: WeightsFile.Entry) -> HostArray {
    let levels = Self.patchCounts.enumerated().flatMap { [Int64](repeating: Int64($0), count: $1 * $1) }
    if entry.name == "lvl_1L" { return HostArray(shape: [1, levels.count], levels) }
    if entry.name == "attn_bias_for_masking" {
      let mask = levels.flatMap { own in levels.map { $0 <= own ? 0 : -Float.infinity } }
      return HostArray(shape: [1, 1, levels.count, levels.count], mask)
    }
    if entry.name.hasSuffix("zero_k_bias") {
      return HostArray(shape: entry.shape, [Float](repeating: 0, count: entry.shape[0]))
    }
    if entry.name.hasSuffix("scale_mul_1H11") {
      let heads = entry.shape[1]
      // log 4 + linspace(-0.5, 0.5, H), each in Float as PyTorch computes it.
      let values = (0..<heads).map { Float(log(4.0)) + (Float($0) / Float(heads - 1) - 0.5) }
      return HostArray(shape: entry.shape, values)
    }
    return HostArray(shape: entry.shape, synthetic("golden-var.var.", entry))
  }
}
