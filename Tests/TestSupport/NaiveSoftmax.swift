import Foundation

extension DoubleReference {
  /// Softmax of each row.
  public static func softmax(_ x: [Double], width: Int) -> [Double] {
    logSoftmax(x, width: width).map { exp($0) }
  }

  /// Log-softmax of each row.
  public static func logSoftmax(_ x: [Double], width: Int) -> [Double] {
    rows(x, width).flatMap { row -> [Double] in
      let top = row.max() ?? 0
      let logSum = top + log(row.reduce(0) { $0 + exp($1 - top) })
      return row.map { $0 - logSum }
    }
  }

  /// Negative log-likelihood of each row's target.
  public static func crossEntropy(_ x: [Double], targets: [Int32], width: Int) -> [Double] {
    zip(rows(logSoftmax(x, width: width), width), targets).map { -$0[Int($1)] }
  }
}
