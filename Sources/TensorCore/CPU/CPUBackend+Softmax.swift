import CShims

extension CPUBackend {
  /// Runs `body(first row, row count, first element)` over ranges of rows on the pool.
  private func overRows(_ rows: Int, _ width: Int, _ body: (Int, Int, Int) -> Void) {
    pool.forEachRange(rows, grain: max(1, Self.grain / max(width, 1))) { range in
      body(range.lowerBound, range.count, range.lowerBound * width)
    }
  }

  public func softmax(_ x: Storage, into y: Storage, rows: Int, width: Int) {
    let (x, y) = (x.host, y.host)
    overRows(rows, width) { _, count, start in dd2_softmax_rows(x + start, y + start, count, width) }
  }

  public func softmaxBackward(y: Storage, gradY: Storage, gradX: Storage, rows: Int, width: Int) {
    let (y, gradY, gradX) = (y.host, gradY.host, gradX.host)
    overRows(rows, width) { _, count, start in
      dd2_softmax_backward_rows(y + start, gradY + start, gradX + start, count, width)
    }
  }

  public func logSoftmax(_ x: Storage, into y: Storage, rows: Int, width: Int) {
    let (x, y) = (x.host, y.host)
    overRows(rows, width) { _, count, start in dd2_log_softmax_rows(x + start, y + start, count, width) }
  }

  public func logSoftmaxBackward(y: Storage, gradY: Storage, gradX: Storage, rows: Int, width: Int) {
    let (y, gradY, gradX) = (y.host, gradY.host, gradX.host)
    overRows(rows, width) { _, count, start in
      dd2_log_softmax_backward_rows(y + start, gradY + start, gradX + start, count, width)
    }
  }

  public func crossEntropy(
    _ x: Storage, targets: [Int32], loss: Storage, logSum: Storage, rows: Int, width: Int
  ) {
    let (x, loss, logSum) = (x.host, loss.host, logSum.host)
    targets.withUnsafeBufferPointer { targets in
      guard let targets = targets.baseAddress else { return }
      overRows(rows, width) { row, count, start in
        dd2_cross_entropy_rows(x + start, targets + row, loss + row, logSum + row, count, width)
      }
    }
  }

  public func crossEntropyBackward(
    _ x: Storage, targets: [Int32], logSum: Storage, gradLoss: Storage, gradX: Storage, rows: Int, width: Int
  ) {
    let (x, logSum, gradLoss, gradX) = (x.host, logSum.host, gradLoss.host, gradX.host)
    targets.withUnsafeBufferPointer { targets in
      guard let targets = targets.baseAddress else { return }
      overRows(rows, width) { row, count, start in
        dd2_cross_entropy_backward_rows(
          x + start, targets + row, logSum + row, gradLoss + row, gradX + start, count, width)
      }
    }
  }
}
