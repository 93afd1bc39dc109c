/// What replicas compute together (`Replicas`); none of it has a gradient.
public enum CollectiveKernel: Hashable, Sendable {
  /// Any float32 arrays: for each the sum over all replicas, the same bits in all of them.
  case sum

  func results(of operands: [ArrayType]) -> [ArrayType] { operands }
}
