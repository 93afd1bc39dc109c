import TensorCore

extension Family {
  static var elementwiseExamples: [Example] {
    func unary(_ name: String, offset: Float = 0, _ f: @escaping (Tensor) -> Tensor) -> Example {
      Example(name, [[3, 5]], scale: offset == 0 ? 2 : 0.5, offset: offset) { [f($0[0])] }
    }
    return [
      unary("exp") { $0.exp() }, unary("sqrt", offset: 3) { $0.sqrt() },
      unary("reciprocal", offset: 3) { $0.reciprocal() }, unary("square") { $0.square() }, unary("abs") { $0.abs() },
      unary("silu") { $0.silu() }, unary("gelu") { $0.gelu() }, unary("sin") { $0.sin() }, unary("cos") { $0.cos() },
      unary("relu") { $0.relu() }, unary("log", offset: 3) { $0.log() },
      unary("affine") { $0.affine(scale: 2, offset: -1) },
      unary("clamp") { $0.clamp(-1, 1.5) },
      Example("add", [[2, 1, 3], [4, 1]]) { [$0[0] + $0[1]] },
      Example("subtract", [[2, 3], [3]]) { [$0[0] - $0[1]] },
      Example("multiply", [[2, 3], []]) { [$0[0] * $0[1]] },
      Example("divide", [[2, 3], [2, 1]], scale: 0.3, offset: 2) { [$0[0] / $0[1]] },
      Example("bytes", [[4, 9]], isDifferentiated: false) { [imageBytes($0[0], divisor: 255)] },
      Example("masks", [[4, 3], [4, 3]], isDifferentiated: false) {
        let mask = $0[0].isLess(than: $0[1])
        return [mask, $0[0].replaced(by: $0[1], where: mask)]
      },
    ]
  }

  static var movementExamples: [Example] {
    let ids = [2, 0, 2, 1] as [Int32]
    return [
      Example("permuted", [[2, 3, 4]]) { [$0[0].permuted([2, 0, 1])] },
      Example("sliced", [[2, 5, 3]]) { [$0[0].sliced(axis: 1, 1..<4)] },
      Example("concatenated", [[2, 1, 3], [2, 4, 3]]) { [Tensor.concatenated($0, axis: 1)] },
      Example("split", [[2, 6]]) { $0[0].split(axis: 1, [1, 3, 2]) },
      Example("broadcast", [[3, 1]]) { [$0[0].broadcast(to: [2, 3, 4])] },
      Example("sums", [[3, 4, 5]]) { [$0[0].sum(axis: 1), $0[0].sum(), $0[0].mean(axis: 0)] },
      Example("large sum", [[64, 300]], absolute: 2e-5, relative: 1e-4) { [$0[0].sum()] },
      Example("gathered", [[3, 2]]) { [$0[0].gatherRows(IndexTensor(ids, [2, 2]))] },
      Example("histogram", [[1]], isDifferentiated: false) { _ in
        [IndexTensor(ids).histogram(4), IndexTensor(ids).equals(IndexTensor([2, 1, 2, 0]))]
      },
      Example("norms", [[3, 2], [5]], isDifferentiated: false) {
        [Tensor.globalNorm($0), $0[0].finiteness, ($0[0] / 0).finiteness]
      },
    ]
  }

  static var productExamples: [Example] {
    return [
      Example("matmul", [[5, 3], [3, 4]]) { [$0[0].matmul($0[1])] },
      Example("matmul transposed", [[3, 5], [4, 3]]) {
        [$0[0].matmul($0[1], transposeSelf: true, transposeOther: true)]
      },
      Example("batched", [[2, 5, 3], [2, 4, 3]]) { [$0[0].matmul($0[1], transposeOther: true)] },
      Example("shared right", [[2, 5, 3], [3, 4]]) { [$0[0].matmul($0[1])] },
      Example("shared left", [[5, 3], [2, 3, 4]]) { [$0[0].matmul($0[1])] },
      Example("linear", [[2, 3, 4], [5, 4], [5]]) { [$0[0].linear(weight: $0[1], bias: $0[2])] },
      Example("large linear", [[130, 300], [257, 300], [257]], absolute: 2e-4, relative: 1e-4) {
        [$0[0].linear(weight: $0[1], bias: $0[2])]
      },
      Example("linear without bias", [[3, 4], [5, 4]]) { [$0[0].linear(weight: $0[1])] },
    ]
  }

  static var softmaxExamples: [Example] {
    return [
      Example("softmax", [[3, 7]], scale: 5) { [$0[0].softmax()] },
      Example("log-softmax", [[2, 3, 7]], scale: 5) { [$0[0].logSoftmax()] },
      Example("cross-entropy", [[3, 7]], scale: 5) {
        [crossEntropy($0[0], targets: IndexTensor([6, 0, 3]))]
      },
    ]
  }
}
