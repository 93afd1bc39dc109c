import CShims

extension CPUBackend {
  /// Runs `body(first row, row count, first element)` over ranges of rows on the pool.
  private func overRows(_ rows: Int, _ width: Int, _ body: (Int, Int, Int) -> Void) {
    pool.forEachRange(rows, grain: max(1, Self.grain / max(width, 1))) { range in
      body(range.lowerBound, range.count, range.lowerBound * width)
    }
  }

  func run(_ kernel: SoftmaxKernel, _ x: [Storage], into results: [Storage]) {
    let (rows, width, y) = (x[0].type.shape.rows, x[0].type.shape.last, results[0].host)
    let input = x[0].host
    switch kernel {
    case .softmax:
      overRows(rows, width) { _, count, start in dd2_softmax_rows(input + start, y + start, count, width) }
    case .softmaxBackward:
      let gradY = x[1].host
      overRows(rows, width) { _, count, start in
        dd2_softmax_backward_rows(input + start, gradY + start, y + start, count, width)
      }
    case .logSoftmax:
      overRows(rows, width) { _, count, start in dd2_log_softmax_rows(input + start, y + start, count, width) }
    case .logSoftmaxBackward:
      let gradY = x[1].host
      overRows(rows, width) { _, count, start in
        dd2_log_softmax_backward_rows(input + start, gradY + start, y + start, count, width)
      }
    case .crossEntropy:
      let (targets, logSum) = (Self.checked(x[1], below: width, "crossEntropy"), results[1].host)
      overRows(rows, width) { row, count, start in
        dd2_cross_entropy_rows(input + start, targets + row, y + row, logSum + row, count, width)
      }
    case .crossEntropyBackward:
      let (targets, logSum, gradLoss) = (x[1].hostIntegers, x[2].host, x[3].host)
      overRows(rows, width) { row, count, start in
        dd2_cross_entropy_backward_rows(
          input + start, targets + row, logSum + row, gradLoss + row, y + start, count, width)
      }
    }
  }
}
