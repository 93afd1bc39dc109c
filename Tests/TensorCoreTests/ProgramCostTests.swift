import Testing

@testable import TensorCore

/// Costs of small programs against numbers worked out by hand.
@Suite("Cost of programs") struct ProgramCostTests {
  /// The cost of a step on inputs of some shapes, whose results are held until it is over.
  private func cost(_ shapes: [Shape], replicas: Int = 1, _ body: ([Tensor]) -> [Tensor]) -> ProgramCost {
    let backend = RecordedStep(replicas: replicas)
    return Backends.$override.withValue(backend) {
      let inputs = shapes.map { Tensor([Float](repeating: 0, count: $0.count), $0) }
      return withExtendedLifetime(backend.step { body(inputs) }) { backend.program.cost }
    }
  }

  private func expect(
    _ found: ProgramCost, products: Int = 0, others: Int, productElements: Int = 0, otherElements: Int,
    _ location: SourceLocation = #_sourceLocation
  ) {
    #expect(
      found
        == ProgramCost(
          productFLOPs: products, otherFLOPs: others, productBytes: 4 * productElements,
          otherBytes: 4 * otherElements), sourceLocation: location)
  }

  @Test func elementwiseMovesInputsAndOutputsOnce() {
    // Six sums, then an affine map of two operations each; the sum itself is nowhere in memory.
    expect(
      cost([[2, 3], [3]]) { [($0[0] + $0[1]).affine(scale: 2, offset: 1)] }, others: 18, otherElements: 6 + 3 + 6)
  }

  @Test func linearMaps() {
    // (6, 4) by (5, 4): 2 x 6 x 5 x 4; the bias adds 30. The reshaped input is the same array.
    let found = cost([[2, 3, 4], [5, 4], [5]]) { [$0[0].reshaped([6, 4]).linear(weight: $0[1], bias: $0[2])] }
    expect(found, products: 240, others: 30, productElements: 24 + 20 + 5 + 30, otherElements: 0)
  }

  @Test func matrixProducts() {
    let found = cost([[2, 3, 5], [2, 3, 4]]) { [$0[0].matmul($0[1], transposeSelf: true)] }
    expect(found, products: 2 * 2 * 5 * 4 * 3, others: 0, productElements: 30 + 24 + 40, otherElements: 0)
  }

  @Test func attentionCountsItsScores() {
    let scores = 2 * 2 * 3 * 5
    let found = cost([[2, 3, 8], [2, 5, 8], [2, 5, 8]]) { [attention($0[0], $0[1], $0[2], heads: 2, scale: 1)] }
    // Rows, the result and the log-sums (2, 2, 3); the scores are written once and read once.
    expect(
      found, products: 2 * (2 * scores * 4), others: 6 * scores, productElements: 48 + 2 * 80 + 48 + 12 + 2 * scores,
      otherElements: 0)
  }

  @Test func attentionsGradientHasFiveProducts() {
    let (scores, qkv, o, logSum) = (2 * 2 * 3 * 3, 2 * 3 * 24, 2 * 3 * 8, 2 * 2 * 3)
    let found = cost([[2, 3, 24], [2, 3, 8]]) { x in
      let leaf = x[0].asLeaf()
      let y = attention(packed: leaf, heads: 2, scale: 1)
      return y.gradients(withRespectTo: [leaf], seed: x[1])
    }
    let moved = (qkv + o + logSum + 2 * scores) + (qkv + o + logSum + o + qkv + 5 * scores)
    expect(
      found, products: 7 * (2 * scores * 4), others: 12 * scores, productElements: moved, otherElements: 0)
  }

  @Test func convolutions() {
    // A 3 x 3 kernel over 2 maps of 4 x 6 with 3 channels in and 5 out, then its two gradients.
    let (x, weight, y) = (2 * 24 * 3, 5 * 3 * 9, 2 * 24 * 5)
    let found = cost([[2, 4, 6, 3], [5, 3, 3, 3], [2, 4, 6, 5]]) { inputs in
      let leaves = inputs.prefix(2).map { $0.asLeaf() }
      let result = conv2d(leaves[0], weight: leaves[1], bias: nil, padding: Padding(1))
      return result.gradients(withRespectTo: leaves, seed: inputs[2]) + [result]
    }
    expect(
      found, products: 3 * (2 * y * 27), others: 0, productElements: (x + weight + y) * 3, otherElements: 0)
  }

  @Test func posteriors() {
    let (K, B, L, D, V) = (2, 2, 3, 4, 7)
    let weights = K * B * L * V
    let found = cost([[K, B, L, D], [K, B, L], [B, L, V], [V, D]]) {
      [codebookPosteriorMean($0[0], t: $0[1], logProbabilities: $0[2], codebook: $0[3])]
    }
    // The mean and two numbers for each token are written; the product that makes the mean reads the weights.
    let moved = (48 + 12 + 42 + 28) + (48 + 24) + weights
    expect(found, others: weights * (6 * D + 8), otherElements: moved)

    let withGradients = cost([[K, B, L, D], [K, B, L], [B, L, V], [V, D], [K, B, L, D]]) { x in
      let leaves = [x[0].asLeaf(), x[2].asLeaf()]
      let mean = codebookPosteriorMean(leaves[0], t: x[1], logProbabilities: leaves[1], codebook: x[3])
      return mean.gradients(withRespectTo: leaves, seed: x[4])
    }
    let backward = (48 + 12 + 42 + 28 + 48 + 24 + 48) + (48 + 42) + 3 * weights
    expect(
      withGradients, others: weights * (6 * D + 8) + weights * (10 * D + 12), otherElements: moved + backward)
  }

  @Test func normsAndSoftmaxesMoveNothing() {
    let found = cost([[3, 6], [6], [6]]) {
      [layerNorm($0[0], weight: $0[1], bias: $0[2], epsilon: 1e-6).softmax()]
    }
    // The statistics are nobody's once the step is over.
    expect(found, others: 8 * 18 + 5 * 18, otherElements: 18 + 6 + 6 + 18)
  }

  @Test func tablesMoveTheRowsThatAreRead() {
    let ids = [3, 0] as [Int32]
    let found = cost([[100, 4]]) { [$0[0].gatherRows(IndexTensor(ids))] }
    expect(found, others: 0, otherElements: 2 + 8)
  }

  @Test func updatesReadAndWriteTheirState() {
    let found = cost([[2, 3], [2, 3], [2, 3], [2, 3], [3]]) { x in
      let form = AdamWForm(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clipNorm: 1, weightDecay: [0.1])
      let update = adamWUpdate(
        [x[0]], firstMoments: [x[1]], secondMoments: [x[2]], gradients: [x[3]], scalars: x[4], form)
      return [update.norm]
    }
    // Three arrays of six both ways, the gradient, its norm and three scalars. The norm takes two operations an element,
    // AdamW twelve.
    expect(found, others: 6 * 2 + 6 * 12, otherElements: 2 * 18 + 6 + 1 + 3)
  }

  /// Arrays that replicas add up are read, written, and sent.
  @Test func sumsOverReplicasAreSent() {
    let found = cost([[2, 3], [5]], replicas: 4) { summedOverReplicas([$0[0], $0[1] * 2]) }
    #expect(found.reducedBytes == 4 * (6 + 5))
    #expect(found.otherFLOPs == 2 * 5 + 11 && found.otherBytes == 4 * (2 * 11 + 5))
    #expect(cost([[2, 3]]) { summedOverReplicas([$0[0]]) + [$0[0] * 2] }.reducedBytes == 0)
  }
}

/// Keeps the program of the last step and computes nothing.
private final class RecordedStep: LazyBackend<Void>, @unchecked Sendable {
  private(set) var program = StepProgram()
  private let replicaCount: Int

  init(replicas: Int) { replicaCount = replicas }

  override var replicas: Replicas { Replicas(count: replicaCount, here: 0..<replicaCount) }
  override var summary: String { "a recorded step" }

  override func execute(_ program: StepProgram, _ arguments: [Void], isStep: Bool) -> [Void] {
    if isStep { self.program = program }
    return program.outputs.map { _ in () }
  }

  override func buffer(_ elements: [Float], _ shape: Shape) {}
  override func buffer(_ elements: [Int32], _ shape: Shape) {}
}
