/// The largest element of each window (`torch.nn.functional.max_pool2d`), each channel by itself; NaN where the window
/// holds NaN. No gradient: x may be no part of a graph.
/// - Parameters:
///   - x_BhwC: feature map.
///   - window: what slides over it; it holds a pixel of x wherever it stands.
/// - Returns: `BhwC`, with h = (h + 2 padding - side) / stride + 1, rounded down, and w likewise.
public func maxPool(_ x_BhwC: Tensor, _ window: PoolingWindow) -> Tensor {
  Tensor(run(.pooling(.max(poolingGeometry(x_BhwC, window))), x_BhwC.storage))
}

/// The mean of what each window holds of x, each channel by itself: padding counts for nothing
/// (`torch.nn.functional.avg_pool2d`, `count_include_pad=False`). No gradient: x may be no part of a graph.
/// - Parameters:
///   - x_BhwC: feature map.
///   - window: what slides over it; it holds a pixel of x wherever it stands.
/// - Returns: `BhwC`, with h = (h + 2 padding - side) / stride + 1, rounded down, and w likewise.
public func averagePool(_ x_BhwC: Tensor, _ window: PoolingWindow) -> Tensor {
  Tensor(run(.pooling(.average(poolingGeometry(x_BhwC, window))), x_BhwC.storage))
}

private func poolingGeometry(_ x_BhwC: Tensor, _ window: PoolingWindow) -> PoolingGeometry {
  precondition(x_BhwC.shape.rank == 4, "pooling: expected x of shape (B, h, w, C), got \(x_BhwC.shape)")
  precondition(!x_BhwC.requiresGradient, "pooling: has no gradient, and x is part of a graph")
  let (B, h, w, C) = x_BhwC.dims4
  precondition(
    window.side > 0 && window.stride > 0 && (0..<window.side).contains(window.padding)
      && min(h, w) + 2 * window.padding >= window.side,
    "pooling: \(window) over x \(x_BhwC.shape)")
  return PoolingGeometry(batch: B, height: h, width: w, channels: C, window: window)
}
