import TensorCore

/// The codebook posterior in tiles of tokens: the weights (levels, tokens, V) of all tokens are never in memory.
extension Lowering {
  /// Most elements of a tile's weights: 256 MB.
  private static let tileElements = 1 << 26

  mutating func run(_ kernel: PosteriorKernel, _ x: [HLOValue]) -> [HLOValue] {
    let (V, D) = (x[3].shape[0], x[3].shape[1])
    let rows = x[2].type.count / V
    let levels = rows == 0 ? 0 : x[1].type.count / rows
    let problem = Posterior(levels: levels, rows: rows, codes: V, width: D)
    switch kernel {
    case .mean:
      let types = [HLOType([levels, rows, D]), HLOType([levels, rows, 2])]
      let results = overTiles(problem, problem.inputs(x, &w), rowAxes: [1, 1, 0], results: types, resultAxes: [1, 1]) {
        lowering, tile in
        let (_, mean, logSum) = lowering.posterior(tile, codebook: x[3])
        let zero = lowering.w.constant(0, like: logSum)
        let pair = lowering.w.concatenate(
          [logSum, zero].map { lowering.w.reshape($0, $0.shape + [1]) }, axis: 2)
        return [mean, pair]
      }
      return [w.reshape(results[0], x[0].shape), w.reshape(results[1], [levels * rows, 2])]
    case .meanBackward(let wanted):
      let gradMean = w.reshape(x[6], [levels, rows, D])
      let types = [HLOType([levels, rows, D]), HLOType([rows, V])]
      let results = overTiles(
        problem, problem.inputs(x, &w) + [gradMean], rowAxes: [1, 1, 0, 1], results: types, resultAxes: [1, 0]
      ) { lowering, tile in lowering.posteriorBackward(tile, codebook: x[3]) }
      return zip([w.reshape(results[0], x[0].shape), w.reshape(results[1], x[2].shape)], wanted).filter(\.1).map(\.0)
    }
  }

  /// Extents: noise levels, tokens, codes, latent dimension.
  private struct Posterior {
    let levels, rows, codes, width: Int

    /// x_t (levels, rows, D), t (levels, rows), log-probabilities (rows, V).
    func inputs(_ x: [HLOValue], _ w: inout HLOWriter) -> [HLOValue] {
      [
        w.reshape(x[0], [levels, rows, width]), w.reshape(x[1], [levels, rows]), w.reshape(x[2], [rows, codes]),
      ]
    }
  }

  /// Runs `body` for tiles of rows: once where all fit into one, else in a loop.
  private mutating func overTiles(
    _ problem: Posterior, _ inputs: [HLOValue], rowAxes: [Int], results: [HLOType], resultAxes: [Int],
    _ body: (inout Lowering, [HLOValue]) -> [HLOValue]
  ) -> [HLOValue] {
    let perRow = max(1, problem.levels * problem.codes)
    let most = max(1, Self.tileElements / perRow)
    guard problem.rows > most else { return body(&self, inputs) }
    // Tiles of equal height; the last one reaches back over the one before, whose rows it computes again.
    let tiles = (problem.rows + most - 1) / most
    let height = (problem.rows + tiles - 1) / tiles
    let scalar = HLOType([], .i32)
    let (start, end) = (w.constant(0, scalar), w.constant(Double(problem.rows), scalar))
    let (step, last) = (w.constant(Double(height), scalar), w.constant(Double(problem.rows - height), scalar))
    let empty = results.map { w.constant(0, $0) }
    let carried = w.loop([start] + empty) { w, at in
      w.compare("LT", at[0], end)
    } body: { w, at in
      let place = w.binary("minimum", at[0], last)
      var inner = Lowering(precision: precision, w: w)
      let tile = zip(inputs, rowAxes).map { inner.w.dynamicSlice($0, axis: $1, at: place, extent: height) }
      let parts = body(&inner, tile)
      w = inner.w
      let next = zip(zip(at.dropFirst(), parts), resultAxes).map { w.dynamicUpdate($0.0, $0.1, axis: $1, at: place) }
      return [w.add(at[0], step)] + next
    }
    return Array(carried.dropFirst())
  }

  /// Weights (levels, rows, V), mean (levels, rows, D) and log-sum (levels, rows) of a tile.
  private mutating func posterior(
    _ tile: [HLOValue], codebook: HLOValue
  ) -> (weights: HLOValue, mean: HLOValue, logSum: HLOValue) {
    let (x, t, logP) = (tile[0], tile[1], tile[2])
    let (levels, rows, D) = (x.shape[0], x.shape[1], x.shape[2])
    let V = codebook.shape[0]
    // Differences are squared one by one: a product would lose the digits of the nearest codes' small distances.
    let full = [levels, rows, V, D]
    let keep = w.subtract(w.constant(1, like: t), t)
    let shrunk = w.multiply(
      w.broadcast(keep, full, axes: [0, 1]), w.broadcast(codebook, full, axes: [2, 3]))
    let difference = w.subtract(w.broadcast(x, full, axes: [0, 1, 3]), shrunk)
    let distance = w.sum(w.multiply(difference, difference), axes: [3])
    let double = w.multiply(w.multiply(t, t), 2)
    let scaled = w.divide(distance, w.repeated(double, over: [2], like: distance))
    let exponents = w.subtract(w.broadcast(logP, [levels, rows, V], axes: [1, 2]), scaled)
    let logSum = logSumExp(exponents)
    let weights = w.unary("exponential", w.subtract(exponents, w.repeated(logSum, over: [2], like: exponents)))
    return (weights, w.dot(weights, codebook, over: ([2], [0])), logSum)
  }

  /// Gradients of x_t (levels, rows, D) and log-probabilities (rows, V): with g the mean's gradient and
  /// `h_j = (c_j - mean).g`, `(1-t)/t^2 sum_j w_j h_j (c_j - mean)` and `sum over levels of w_j h_j`.
  private mutating func posteriorBackward(_ tile: [HLOValue], codebook: HLOValue) -> [HLOValue] {
    let (t, gradMean) = (tile[1], tile[3])
    let (weights, mean, _) = posterior(Array(tile[..<3]), codebook: codebook)
    let along = w.dot(gradMean, codebook, over: ([2], [1]))
    let offset = w.sum(w.multiply(mean, gradMean), axes: [2])
    let wh = w.multiply(weights, w.subtract(along, w.repeated(offset, over: [2], like: along)))
    let spread = w.dot(wh, codebook, over: ([2], [0]))
    let total = w.sum(wh, axes: [2])
    let centred = w.subtract(spread, w.multiply(mean, w.repeated(total, over: [2], like: mean)))
    let factor = w.divide(w.subtract(w.constant(1, like: t), t), w.multiply(t, t))
    return [w.multiply(centred, w.repeated(factor, over: [2], like: centred)), w.sum(wh, axes: [0])]
  }
}
