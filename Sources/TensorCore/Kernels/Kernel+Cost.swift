/// What a kernel does and moves, in operations and in elements. Operations per element of norms, softmaxes and rotations are
/// those of the shortest formula, to within a few; beside products they are little.
extension Kernel {
  /// Operations in products of networks, and all others.
  func flops(of x: [ArrayType], _ y: [ArrayType]) -> (products: Int, others: Int) {
    switch self {
    case .elementwise(.affine): (0, 2 * y[0].count)
    case .elementwise: (0, y[0].count)
    case .movement(.scatterAddRows): (0, x[0].count)
    case .movement: (0, 0)
    case .reduction(.globalNorm): (0, 2 * x.total)
    case .reduction: (0, x.total)
    case .matrix(let kernel): kernel.flops(of: x, y)
    case .softmax: (0, 5 * x[0].count)
    case .norm(let kernel): (0, kernel.operationsPerElement * x[0].count)
    case .groupNorm(.normalize): (0, 8 * x[0].count)
    case .groupNorm(.backward): (0, 16 * x[0].count)
    case .attention(let kernel): kernel.flops(of: x)
    case .convolution(let kernel): kernel.flops(hasBias: x.count > 2)
    case .pooling(let kernel): (0, kernel.geometry.window.side * kernel.geometry.window.side * y[0].count)
    // A product with a matrix that is mostly zeros.
    case .resize(.resample(_, let taps)): (0, 2 * taps.input * y[0].count)
    case .posterior(let kernel): (0, kernel.flops(of: x))
    // Integers.
    case .random: (0, 0)
    case .choice: (0, x[0].count)
    case .collective(.sum): (0, x.total)
    }
  }

  /// Elements that have to move, those of products of networks and others; nil where the kernel is fused with its neighbours.
  func traffic(of x: [ArrayType], _ y: [ArrayType]) -> (products: Int, others: Int)? {
    switch self {
    case .elementwise, .reduction, .softmax, .norm, .groupNorm, .pooling, .resize, .random: nil
    case .movement(.gatherRows): (0, x[1].count + y[0].count)
    case .movement(.scatterAddRows): (0, x.total + y[0].count)
    case .movement: nil
    case .matrix(.matmul(_, _, isExact: true)): (0, x.total + y.total)
    case .matrix, .convolution: (x.total + y.total, 0)
    case .attention(let kernel):
      kernel.products(of: x).map { (x.total + y.total + $0.count * $0.scores, 0) }
    case .posterior(let kernel): (0, x.total + y.total + kernel.weightPasses * kernel.weights(of: x))
    case .choice, .collective: (0, x.total + y.total)
    }
  }
}

extension MatrixKernel {
  fileprivate func flops(of x: [ArrayType], _ y: [ArrayType]) -> (products: Int, others: Int) {
    switch self {
    case .matmul(let transposeA, _, let isExact):
      let count = 2 * y[0].count * x[0].shape[transposeA ? -2 : -1]
      return isExact ? (0, count) : (count, 0)
    case .linear: return (2 * y[0].count * x[0].shape.last, x.count > 2 ? y[0].count : 0)
    }
  }
}

extension ConvolutionKernel {
  fileprivate func flops(hasBias: Bool) -> (products: Int, others: Int) {
    switch self {
    case .convolve(let g, let rectifies):
      (2 * g.outPixels * g.outputs * g.patch, g.outPixels * g.outputs * ((hasBias ? 1 : 0) + (rectifies ? 1 : 0)))
    case .backwardInput(let g), .backwardWeight(let g): (2 * g.outPixels * g.outputs * g.patch, 0)
    }
  }
}

extension NormKernel {
  fileprivate var operationsPerElement: Int {
    switch self {
    case .normalize: 8
    case .normalizeBackward: 16
    case .gatedResidual: 2
    case .gatedResidualBackward: 3
    }
  }
}

extension AttentionKernel {
  /// Products over the scores (B, heads, Lq, Lk), which are all computed, seen or not.
  fileprivate struct Products {
    var count: Int
    /// Elements of the scores.
    var scores: Int
    /// Channels of a head.
    var width: Int

    init(_ count: Int, _ form: AttentionForm, _ q: ArrayType, keys: ArrayType, width: Int) {
      self.count = count
      scores = q.shape[0] * form.heads * q.shape[1] * keys.shape[1]
      self.width = width / form.heads
    }
  }

  /// Nil for what only prepares rows.
  fileprivate func products(of x: [ArrayType]) -> Products? {
    let C = x[0].shape[2]
    switch self {
    case .attention(let form): return Products(2, form, x[0], keys: x[1], width: C)
    case .packedAttention(let form): return Products(2, form, x[0], keys: x[0], width: C / 3)
    // The scores once more, what reaches the probabilities, and one product for each gradient.
    case .packedAttentionBackward(let form): return Products(5, form, x[0], keys: x[0], width: C / 3)
    case .attentionBackward(let form, let wanted):
      let count = 1 + (wanted[0] || wanted[1] ? 1 : 0) + wanted.filter { $0 }.count
      return Products(count, form, x[0], keys: x[1], width: C)
    case .normalizeQK, .normalizeQKBackward, .rotate: return nil
    }
  }

  fileprivate func flops(of x: [ArrayType]) -> (products: Int, others: Int) {
    if let products = products(of: x) {
      return (2 * products.count * products.scores * products.width, 6 * products.scores)
    }
    switch self {
    case .normalizeQKBackward: return (0, 8 * x[0].count)
    case .rotate: return (0, 3 * x[0].count)
    default: return (0, 4 * x[0].count)
    }
  }
}

extension PosteriorKernel {
  /// Elements of the weights (K, tokens, V).
  fileprivate func weights(of x: [ArrayType]) -> Int { x[1].count * x[3].shape[0] }

  /// How often products write or read the weights, or an array of their size: forward, the mean reads them; backward, the
  /// mean again, the product of its gradient with the codes, and that of the weighted ones.
  fileprivate var weightPasses: Int {
    switch self {
    case .mean: 1
    case .meanBackward(let wanted): wanted[0] ? 3 : 2
    }
  }

  /// Per code and dimension four operations for the distance and two for each product; per code some for the softmax.
  fileprivate func flops(of x: [ArrayType]) -> Int {
    let D = x[3].shape[1]
    let perCode = 8 + (isBackward ? 4 : 0)
    return weights(of: x) * ((4 + 2 * weightPasses) * D + perCode)
  }

  private var isBackward: Bool {
    if case .meanBackward = self { true } else { false }
  }
}

extension UpdateKernel {
  /// - Parameter states: the arrays that change.
  func flops(states: [ArrayType]) -> Int {
    switch self {
    case .assign, .overwrite: 0
    // A third of the states are parameters.
    case .adamW: 4 * states.total
    case .average: 3 * states.total
    }
  }

  /// Elements: states read and written, operands read; what is overwritten whole is only written.
  func traffic(states: [ArrayType], operands: [ArrayType]) -> Int {
    switch self {
    case .assign: states.total + operands.total
    case .overwrite: 2 * operands[0].count + 1
    case .adamW, .average: 2 * states.total + operands.total
    }
  }
}

extension [ArrayType] {
  fileprivate var total: Int { reduce(0) { $0 + $1.count } }
}
