import Agreement
import TensorCore
import TestSupport
import Testing

@testable import XLADevice

/// bfloat16 on XLA against the CPU backend: close, and different from float32 where the precision says so, nowhere else.
@Suite("Precision of operations", .enabled(if: CPUPlugin.isFound)) struct PrecisionTests {
  /// - Parameters:
  ///   - rounded: results, values before gradients, that bfloat16 changes.
  ///   - tolerance: largest error, as a part of the result's largest element: some roundings to 8 bits.
  private func check(_ example: Example, rounded: Set<Int>, tolerance: Float = 2e-2) throws {
    func outcome(_ precision: Precision) throws -> [[Float]] {
      let backend = XLABackend(try CPUPlugin.client(), precision: precision)
      return try Backends.$override.withValue(backend) { try Backends.step { try example.outcome() } }
    }
    let (expected, full, found) = (try example.outcome(), try outcome(.float32), try outcome(.bfloat16))
    #expect(found.count == expected.count)
    for (index, (a, b)) in zip(found, expected).enumerated() {
      let largest = b.map(abs).max() ?? 0
      let error = zip(a, b).map { abs($0 - $1) }.max() ?? 0
      #expect(error <= tolerance * largest, "\(example.name), result \(index): \(error) of \(largest)")
      #expect((a != full[index]) == rounded.contains(index), "\(example.name), result \(index)")
    }
  }

  @Test func products() throws {
    try check(Example("matmul", [[5, 9], [9, 4]]) { [$0[0].matmul($0[1])] }, rounded: [0, 1, 2])
    try check(
      Example("transposed", [[9, 5], [4, 9]]) {
        [$0[0].matmul($0[1], transposeSelf: true, transposeOther: true)]
      }, rounded: [0, 1, 2])
    try check(
      Example("batched", [[2, 5, 9], [2, 4, 9]]) { [$0[0].matmul($0[1], transposeOther: true)] },
      rounded: [0, 1, 2])
    try check(
      Example("exact", [[2, 5, 9], [9, 4]]) { [$0[0].matmul($0[1], isExact: true)] }, rounded: [])
    try check(
      Example("linear", [[2, 3, 9], [5, 9], [5]]) { [$0[0].linear(weight: $0[1], bias: $0[2])] },
      rounded: [0, 1, 2])
  }

  @Test func attentions() throws {
    try check(
      Example("attention", [[2, 3, 8], [2, 5, 8], [2, 5, 8]]) {
        [attention($0[0], $0[1], $0[2], heads: 2, scale: 0.5)]
      }, rounded: [0, 1, 2, 3])
    try check(
      Example("block-causal", [[2, 5, 24]]) {
        [attention(packed: $0[0], heads: 2, scale: 0.5, visibility: .counts([1, 1, 3, 4, 5]))]
      }, rounded: [0, 1])
    try check(
      Example("cached", [[2, 2, 8], [2, 5, 8], [2, 5, 8]], isDifferentiated: false) {
        [attention($0[0], $0[1], $0[2], heads: 2, scale: 0.5, visibility: .fromPosition, position: .scalar(2))]
      }, rounded: [0])
    try check(
      Example("normalized", [[2, 3, 24], [2]]) { [normalizeQK(packed: $0[0], heads: 2, scale_H: $0[1])] },
      rounded: [1, 2])
  }

  @Test func convolutions() throws {
    let shapes = [[2, 6, 8, 3], [4, 3, 3, 3], [4]] as [Shape]
    for stride in [1, 2] {
      try check(
        Example("convolution", shapes) {
          [conv2d($0[0], weight: $0[1], bias: $0[2], stride: stride, padding: Padding(1))]
        }, rounded: [0, 1, 2])
    }
    // Not its gradient, which jumps where the value is next to 0.
    try check(
      Example("rectified", shapes, isDifferentiated: false) {
        [conv2d($0[0], weight: $0[1], bias: $0[2], padding: Padding(1), activation: .relu)]
      }, rounded: [0])
  }

  /// Forward in float32; backward from the rounded activation.
  @Test func keptActivations() throws {
    try check(Example("silu", [[3, 5]]) { [$0[0].silu()] }, rounded: [1])
    try check(Example("gelu", [[3, 5]]) { [$0[0].gelu()] }, rounded: [1])
    try check(
      Example("layer norm", [[3, 4, 6], [6], [6]]) {
        [layerNorm($0[0], weight: $0[1], bias: $0[2], epsilon: 1e-6)]
      }, rounded: [1, 2])
    try check(
      Example("modulated", [[2, 4, 6], [2, 6], [2, 6]]) {
        [layerNormModulate($0[0], scale_BC: $0[1], shift_BC: $0[2], epsilon: 1e-6)]
      }, rounded: [1, 2])
    try check(
      Example("gated", [[2, 3, 4], [2, 3, 4], [2, 4]]) { [gatedResidual($0[0], $0[1], gate_BC: $0[2])] },
      rounded: [3])
    try check(
      Example("group norm", [[2, 3, 4, 6], [6], [6]]) {
        [groupNorm($0[0], groups: 2, weight: $0[1], bias: $0[2], epsilon: 1e-6, activation: .silu)]
      }, rounded: [1, 2, 3])
  }

  @Test func theRestIsFloat32() throws {
    try check(Example("exp", [[3, 5]]) { [$0[0].exp()] }, rounded: [])
    try check(Example("sin", [[3, 5]], scale: 100) { [$0[0].sin()] }, rounded: [], tolerance: 1e-4)
    try check(Example("softmax", [[3, 7]], scale: 5) { [$0[0].softmax()] }, rounded: [], tolerance: 1e-4)
    try check(
      Example("cross-entropy", [[3, 7]], scale: 5) {
        [crossEntropy($0[0], targets: IndexTensor([6, 0, 3]))]
      }, rounded: [], tolerance: 1e-4)
    try check(
      Example("bicubic", [[2, 3, 4, 2]]) { [resize($0[0], to: (7, 8), mode: .bicubic)] }, rounded: [],
      tolerance: 1e-4)
    try check(Self.posterior, rounded: [], tolerance: 1e-3)
  }

  private static var posterior: Example {
    Example("posterior", [[2, 2, 3, 4], [2, 3, 7], [7, 4]]) {
      let times = Tensor((0..<12).map { 0.3 + 0.1 * Float($0 % 5) }, [2, 2, 3])
      return [
        codebookPosteriorMean(
          $0[0], t: times, logProbabilities: $0[1].logSoftmax(), codebook: $0[2].stopGradient())
      ]
    }
  }

  // MARK: Programs

  /// The lines of products in an example's programs, at a precision.
  private func products(_ example: Example, _ precision: Precision) throws -> [Substring] {
    let recorder = StepRecorder()
    _ = try Backends.$override.withValue(recorder) { try example.outcome() }
    let text = recorder.programs.map { $0.stableHLO(precision: precision) }.joined()
    return text.split(separator: "\n").filter { $0.contains("dot_general") || $0.contains("stablehlo.convolution") }
  }

  @Test func textOfAProgramOfNetworks() throws {
    let example = Example("networks", [[2, 4, 6], [18, 6], [3, 6, 3, 3]]) {
      let packed = $0[0].linear(weight: $0[1])
      let attended = attention(packed: packed, heads: 2, scale: 0.5, visibility: .counts([1, 3, 3, 4]))
      return [conv2d(attended.reshaped([2, 2, 2, 6]), weight: $0[2], padding: Padding(1))]
    }
    let (full, tf32, bf16) = (
      try products(example, .float32), try products(example, .tf32), try products(example, .bfloat16)
    )
    // Linear, attention and convolution: 1 + 2 + 1 forward, 2 + 5 + 2 backward.
    #expect(full.count == 13 && tf32.count == 13 && bf16.count == 13)
    #expect(full.allSatisfy { $0.contains("HIGHEST") && !$0.contains("DEFAULT") && !$0.contains("bf16") })
    #expect(tf32.allSatisfy { !$0.contains("HIGHEST") && $0.contains("DEFAULT") && !$0.contains("bf16") })
    #expect(bf16.allSatisfy { !$0.contains("HIGHEST") && $0.contains("DEFAULT") })
    for line in bf16 {
      let signature = line.split(separator: " : ").last ?? ""
      #expect(
        signature.contains(/^\(tensor<[0-9x]*bf16>, tensor<[0-9x]*bf16>\) -> tensor<[0-9x]*f32>$/), "\(line)")
    }
  }

  @Test func textOfAPosterior() throws {
    let full = try products(Self.posterior, .float32)
    #expect(full.count > 0 && full.allSatisfy { $0.contains("HIGHEST") && !$0.contains("bf16") })
    #expect(try products(Self.posterior, .tf32) == full)
    #expect(try products(Self.posterior, .bfloat16) == full)
  }

  @Test func aRunsRecordNamesThePrecision() throws {
    for precision in Precision.allCases {
      let backend = XLABackend(try CPUPlugin.client(), precision: precision)
      #expect(backend.summary.hasSuffix(", \(precision.rawValue)"))
    }
  }
}

/// Writes programs of steps down and runs none.
private final class StepRecorder: LazyBackend<Void>, @unchecked Sendable {
  private(set) var programs: [StepProgram] = []

  override var summary: String { "a recorder" }
  override func execute(_ program: StepProgram, _ arguments: [Void], isStep: Bool) -> [Void] {
    programs.append(program)
    return program.outputs.map { _ in () }
  }
  override func buffer(_ elements: [Float], _ shape: Shape) {}
  override func buffer(_ elements: [Int32], _ shape: Shape) {}
  override func floats(of buffer: Void, count: Int) -> [Float] { [Float](repeating: 0, count: count) }
}
