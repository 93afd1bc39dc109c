import TensorCore
import TestSupport
import Testing

@testable import XLADevice

/// Every kernel on XLA against the CPU backend: values and gradients, element by element.
@Suite("Operations on XLA", .enabled(if: CPUPlugin.isFound))
struct OperationAgreementTests {
  private func check(_ examples: [Example]) throws {
    let backend = XLABackend(try CPUPlugin.client())
    for example in examples {
      let numbers = example.numbers()
      let expected = example.outcome(numbers)
      let found = Backends.$override.withValue(backend) { example.outcome(numbers) }
      #expect(found.count == expected.count, "\(example.name)")
      for (index, (a, b)) in zip(found, expected).enumerated() {
        let problem = mismatch(a, b.map(Double.init), example.tolerance)
        #expect(problem == nil, "\(example.name), result \(index)")
      }
    }
  }

  @Test func elementwise() throws {
    func unary(_ name: String, offset: Float = 0, _ f: @escaping (Tensor) -> Tensor) -> Example {
      Example(name: name, shapes: [[3, 5]], scale: offset == 0 ? 2 : 0.5, offset: offset) { [f($0[0])] }
    }
    try check([
      unary("exp") { $0.exp() }, unary("sqrt", offset: 3) { $0.sqrt() },
      unary("reciprocal", offset: 3) { $0.reciprocal() }, unary("square") { $0.square() }, unary("abs") { $0.abs() },
      unary("silu") { $0.silu() }, unary("gelu") { $0.gelu() }, unary("sin") { $0.sin() }, unary("cos") { $0.cos() },
      unary("relu") { $0.relu() }, unary("log", offset: 3) { $0.log() },
      unary("affine") { $0.affine(scale: 2, offset: -1) },
      unary("clamp") { $0.clamp(-1, 1.5) },
      Example(name: "add", shapes: [[2, 1, 3], [4, 1]]) { [$0[0] + $0[1]] },
      Example(name: "subtract", shapes: [[2, 3], [3]]) { [$0[0] - $0[1]] },
      Example(name: "multiply", shapes: [[2, 3], []]) { [$0[0] * $0[1]] },
      Example(name: "divide", shapes: [[2, 3], [2, 1]], scale: 0.3, offset: 2) { [$0[0] / $0[1]] },
      Example(name: "bytes", shapes: [[4, 9]], isDifferentiated: false) { [imageBytes($0[0], divisor: 255)] },
      Example(name: "masks", shapes: [[4, 3], [4, 3]], isDifferentiated: false) {
        let mask = $0[0].isLess(than: $0[1])
        return [mask, $0[0].replaced(by: $0[1], where: mask)]
      },
    ])
  }

  @Test func movement() throws {
    let ids = [2, 0, 2, 1] as [Int32]
    try check([
      Example(name: "permuted", shapes: [[2, 3, 4]]) { [$0[0].permuted([2, 0, 1])] },
      Example(name: "sliced", shapes: [[2, 5, 3]]) { [$0[0].sliced(axis: 1, 1..<4)] },
      Example(name: "concatenated", shapes: [[2, 1, 3], [2, 4, 3]]) { [Tensor.concatenated($0, axis: 1)] },
      Example(name: "split", shapes: [[2, 6]]) { $0[0].split(axis: 1, [1, 3, 2]) },
      Example(name: "broadcast", shapes: [[3, 1]]) { [$0[0].broadcast(to: [2, 3, 4])] },
      Example(name: "sums", shapes: [[3, 4, 5]]) { [$0[0].sum(axis: 1), $0[0].sum(), $0[0].mean(axis: 0)] },
      Example(name: "large sum", shapes: [[64, 300]], tolerance: .loose) { [$0[0].sum()] },
      Example(name: "gathered", shapes: [[3, 2]]) { [$0[0].gatherRows(IndexTensor(ids, [2, 2]))] },
      Example(name: "histogram", shapes: [[1]], isDifferentiated: false) { _ in
        [IndexTensor(ids).histogram(4), IndexTensor(ids).equals(IndexTensor([2, 1, 2, 0]))]
      },
      Example(name: "norms", shapes: [[3, 2], [5]], isDifferentiated: false) {
        [Tensor.globalNorm($0), $0[0].finiteness, ($0[0] / 0).finiteness]
      },
    ])
  }

  @Test func integers() throws {
    let backend = XLABackend(try CPUPlugin.client())
    func outcome() -> [[Int32]] {
      let ids = IndexTensor([5, 1, 4, 1, 3, 2], [2, 3])
      let x = Tensor([1, 3, 3, -2, -5, -2], [2, 3])
      let mask = Tensor([1, 0, 0, 1, 0, 1], [2, 3])
      return [
        ids.columns(1..<3), IndexTensor.concatenated([ids, ids], axis: 0), x.argmax(),
        ids.replaced(by: IndexTensor(repeating: 9, [2, 3]), where: mask), IndexTensor(repeating: 7, [3]),
      ].map(\.values)
    }
    let found = Backends.$override.withValue(backend) { outcome() }
    #expect(found == outcome())
  }

  @Test func products() throws {
    try check([
      Example(name: "matmul", shapes: [[5, 3], [3, 4]]) { [$0[0].matmul($0[1])] },
      Example(name: "matmul transposed", shapes: [[3, 5], [4, 3]]) {
        [$0[0].matmul($0[1], transposeSelf: true, transposeOther: true)]
      },
      Example(name: "batched", shapes: [[2, 5, 3], [2, 4, 3]]) { [$0[0].matmul($0[1], transposeOther: true)] },
      Example(name: "shared right", shapes: [[2, 5, 3], [3, 4]]) { [$0[0].matmul($0[1])] },
      Example(name: "shared left", shapes: [[5, 3], [2, 3, 4]]) { [$0[0].matmul($0[1])] },
      Example(name: "linear", shapes: [[2, 3, 4], [5, 4], [5]]) { [$0[0].linear(weight: $0[1], bias: $0[2])] },
      Example(name: "linear without bias", shapes: [[3, 4], [5, 4]]) { [$0[0].linear(weight: $0[1])] },
    ])
  }

  @Test func softmaxes() throws {
    try check([
      Example(name: "softmax", shapes: [[3, 7]], scale: 5) { [$0[0].softmax()] },
      Example(name: "log-softmax", shapes: [[2, 3, 7]], scale: 5) { [$0[0].logSoftmax()] },
      Example(name: "cross-entropy", shapes: [[3, 7]], scale: 5) {
        [crossEntropy($0[0], targets: IndexTensor([6, 0, 3]))]
      },
    ])
  }

  @Test func norms() throws {
    try check([
      Example(name: "layer norm", shapes: [[3, 4, 6], [6], [6]]) {
        [layerNorm($0[0], weight: $0[1], bias: $0[2], epsilon: 1e-6)]
      },
      Example(name: "bare layer norm", shapes: [[3, 6]]) { [layerNorm($0[0], epsilon: 1e-6)] },
      Example(name: "modulated", shapes: [[2, 4, 6], [2, 6], [2, 6]]) {
        [layerNormModulate($0[0], scale_BC: $0[1], shift_BC: $0[2], epsilon: 1e-6)]
      },
      Example(name: "modulated batch of one", shapes: [[1, 4, 6], [1, 6], [1, 6]]) {
        [layerNormModulate($0[0], scale_BC: $0[1], shift_BC: $0[2], epsilon: 1e-6)]
      },
      Example(name: "RMS norm", shapes: [[3, 6], [6]]) { [rmsNorm($0[0], weight: $0[1], epsilon: 1e-5)] },
      Example(name: "gated", shapes: [[2, 3, 4], [2, 3, 4], [2, 4]]) { [gatedResidual($0[0], $0[1], gate_BC: $0[2])] },
      Example(name: "group norm", shapes: [[2, 3, 4, 6], [6], [6]]) {
        [groupNorm($0[0], groups: 3, weight: $0[1], bias: $0[2], epsilon: 1e-6)]
      },
      Example(name: "group norm with SiLU", shapes: [[2, 3, 4, 6], [6], [6]]) {
        [groupNorm($0[0], groups: 2, weight: $0[1], bias: $0[2], epsilon: 1e-6, activation: .silu)]
      },
    ])
  }

  @Test func attentions() throws {
    let causal = Visibility.counts([1, 1, 3, 4, 5])
    try check([
      Example(name: "attention", shapes: [[2, 3, 8], [2, 5, 8], [2, 5, 8]]) {
        [attention($0[0], $0[1], $0[2], heads: 2, scale: 0.5)]
      },
      Example(name: "block-causal", shapes: [[2, 5, 24]]) {
        [attention(packed: $0[0], heads: 2, scale: 0.5, visibility: causal)]
      },
      Example(name: "cached", shapes: [[2, 2, 8], [2, 5, 8], [2, 5, 8]], isDifferentiated: false) {
        [
          attention(
            $0[0], $0[1], $0[2], heads: 2, scale: 0.5, visibility: .fromPosition, position: .scalar(2))
        ]
      },
      Example(name: "normalized", shapes: [[2, 3, 24], [2]]) {
        [normalizeQK(packed: $0[0], heads: 2, scale_H: $0[1])]
      },
      Example(name: "rotated", shapes: [[2, 3, 24], [5, 2], [5, 2]]) {
        [
          rotaryEmbedding(
            packed: $0[0], heads: 2, cosine: $0[1].stopGradient(), sine: $0[2].stopGradient(), position: .scalar(2))
        ]
      },
    ])
  }

  @Test func featureMaps() throws {
    func convolution(_ name: String, _ x: Shape, _ weight: Shape, stride: Int, _ padding: Padding) -> Example {
      Example(name: name, shapes: [x, weight, [weight[0]]], tolerance: .loose) {
        [conv2d($0[0], weight: $0[1], bias: $0[2], stride: stride, padding: padding)]
      }
    }
    try check([
      convolution("same", [2, 5, 6, 3], [4, 3, 3, 3], stride: 1, Padding(1)),
      convolution("pointwise", [2, 5, 6, 3], [4, 3, 1, 1], stride: 1, .none),
      convolution("halving", [2, 6, 8, 3], [4, 3, 3, 3], stride: 2, Padding(top: 0, bottom: 1, left: 0, right: 1)),
      convolution("odd halving", [1, 7, 5, 2], [3, 2, 3, 3], stride: 2, Padding(1)),
      convolution("factor", [1, 7, 5, 2], [3, 2, 1, 7], stride: 1, Padding(top: 0, bottom: 0, left: 3, right: 3)),
      Example(name: "rectified", shapes: [[2, 5, 6, 3], [4, 3, 3, 3], [4]], tolerance: .loose) {
        [conv2d($0[0], weight: $0[1], bias: $0[2], padding: Padding(1), activation: .relu)]
      },
      Example(name: "pools", shapes: [[2, 7, 5, 3]], isDifferentiated: false) {
        let window = PoolingWindow(side: 3, stride: 2, padding: 1)
        let x = $0[0].stopGradient()
        return [
          maxPool(x, window), averagePool(x, window), averagePool(x, PoolingWindow(side: 3, stride: 1, padding: 1)),
        ]
      },
      Example(name: "bicubic", shapes: [[2, 3, 4, 2]]) { [resize($0[0], to: (7, 8), mode: .bicubic)] },
      Example(name: "area", shapes: [[2, 7, 8, 2]]) { [resize($0[0], to: (3, 5), mode: .area)] },
      Example(name: "nearest", shapes: [[2, 3, 4, 2]]) { [resize($0[0], to: (6, 8), mode: .nearest)] },
    ])
  }

  @Test func posteriors() throws {
    func example(_ name: String, _ K: Int, _ B: Int, _ L: Int, _ D: Int, _ V: Int, t: Float) -> Example {
      Example(
        name: name, shapes: [[K, B, L, D], [B, L, V], [V, D]], tolerance: Tolerance(absolute: 2e-4, relative: 1e-3)
      ) {
        let times = Tensor((0..<(K * B * L)).map { t + (1 - t) * Float($0 % 5) / 5 }, [K, B, L])
        return [
          codebookPosteriorMean(
            $0[0], t: times, logProbabilities: $0[1].logSoftmax(), codebook: $0[2].stopGradient())
        ]
      }
    }
    try check([
      example("posterior", 2, 2, 3, 4, 7, t: 0.3), example("late posterior", 1, 2, 3, 4, 7, t: 0.05),
    ])
  }

  /// Integers bit for bit, numbers up to the rounding of logarithms and sines.
  @Test func randomNumbers() throws {
    let backend = XLABackend(try CPUPlugin.client())
    func outcome() -> (integers: [Int32], uniform: [Float], normal: [Float]) {
      let numbers = RandomNumbers(seed: 5, purpose: "test", step: RandomCounter(3 + 5 << 32))
      let samples = RandomCounter([7, 1 << 40 + 9, 0])
      return (
        numbers.integers([3, 5], below: 1000, samples: samples).values
          + numbers.integers([2, 4], below: 7).values,
        numbers.uniform([3, 2, 3], in: -1..<2, samples: samples).elements,
        numbers.normal([3, 7], samples: samples).elements
      )
    }
    let (found, expected) = (Backends.$override.withValue(backend) { outcome() }, outcome())
    #expect(found.integers == expected.integers)
    #expect(mismatch(found.uniform, expected.uniform.map(Double.init), .float) == nil)
    #expect(mismatch(found.normal, expected.normal.map(Double.init), Tolerance(absolute: 1e-5, relative: 1e-5)) == nil)
  }

  @Test func choices() throws {
    let backend = XLABackend(try CPUPlugin.client())
    func outcome() -> (kept: [[Float]], drawn: [Int32]) {
      var logits = (0..<40).map { Float(($0 * 7) % 11) }
      logits[33] = 20
      let x = Tensor(logits, [4, 10])
      let kept = [(3, 1), (0, 0.6), (4, 0.7), (0, 1)].map { topK, topP in
        keepingLikely(x, topK: topK, topP: Float(topP), removed: -1e9).elements
      }
      let uniform = Tensor([0, 0.3, 0.9999, 0.5], [4])
      return (kept, drawTokens(x.logSoftmax(), uniform: uniform).values)
    }
    let (found, expected) = (Backends.$override.withValue(backend) { outcome() }, outcome())
    #expect(found.kept == expected.kept)
    #expect(found.drawn == expected.drawn)
  }

  @Test func updates() throws {
    let backend = XLABackend(try CPUPlugin.client())
    func outcome() -> [[Float]] {
      let parameters = [Tensor([1, -2, 3, 4], [2, 2]), Tensor([0.5, 1], [2])]
      let (m, v) = (parameters.map { Tensor.zeros($0.shape) }, parameters.map { Tensor.zeros($0.shape) })
      let averages = parameters.map { $0.copy() }
      let form = AdamWForm(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clipNorm: 1, weightDecay: [0.1, 0])
      for (step, bad) in [Float(0), .nan, 0].enumerated() {
        Backends.step {
          let gradients = [Tensor([1, 2, -3, bad], [2, 2]), Tensor([0.1, 0], [2])]
          let (norm, _) = adamWUpdate(
            parameters, firstMoments: m, secondMoments: v, gradients: gradients,
            scalars: Tensor([0.1 / Float(step + 1), 0.1, 0.01], [3]), form)
          averageUpdate(averages, toward: parameters, decay: Tensor(0.75), norm: norm)
        }
      }
      let cache = Tensor.zeros([2, 3, 2])
      cache.overwrite(axis: 1, at: .scalar(1), with: Tensor([1, 2, 3, 4], [2, 1, 2]))
      return (parameters + m + v + averages + [cache]).map(\.elements)
    }
    let (found, expected) = (Backends.$override.withValue(backend) { outcome() }, outcome())
    for (a, b) in zip(found, expected) { #expect(mismatch(a, b.map(Double.init), .float) == nil) }
  }
}
