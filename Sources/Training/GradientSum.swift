import TensorCore

/// Gradients of a network, added up over all replicas while the backward pass that makes them goes on: in buckets, as few
/// large sums take less time than many small ones.
struct GradientSum {
  private var sums: [Tensor?]
  private var bucket: [(place: Int, gradient: Tensor)] = []
  private var elements = 0

  /// Elements that a bucket has at least, 4 MB: few enough for the first one to be on its way soon.
  private static let bucketSize = 1 << 20

  /// - Parameter count: of the gradients.
  init(count: Int) { sums = Array(repeating: nil, count: count) }

  /// Adds the gradient of a place, which is complete in this replica.
  mutating func add(_ place: Int, _ gradient: Tensor) {
    bucket.append((place, gradient))
    elements += gradient.count
    if elements >= Self.bucketSize { send() }
  }

  /// All sums, in the order of the places.
  mutating func finish() -> [Tensor] {
    send()
    return sums.map { sum in
      guard let sum else { preconditionFailure("GradientSum: a gradient is missing") }
      return sum
    }
  }

  private mutating func send() {
    for (entry, sum) in zip(bucket, summedOverReplicas(bucket.map(\.gradient))) { sums[entry.place] = sum }
    bucket = []
    elements = 0
  }
}
