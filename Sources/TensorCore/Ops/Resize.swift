import Synchronization

/// How a feature map is resampled; the conventions are those of `torch.nn.functional.interpolate` with
/// `align_corners=False` and no antialiasing.
public enum ResizeMode: Hashable, Sendable {
  /// The pixel at `floor(i in / out)`.
  case nearest
  /// Four neighbours per axis, pixel centres at halves, Keys' kernel with a = -0.75, border pixels repeated.
  case bicubic
  /// The mean over pixels `floor(i in / out)` to `ceil((i + 1) in / out)` (adaptive average pooling).
  case area
}

/// Resamples a feature map to h rows and w columns: `y[b, i, j, c] = sum of R[i, p] S[j, q] x[b, p, q, c]` with R and S
/// the sparse maps of the two axes. The gradient goes through their transposes.
/// - Parameters:
///   - x_BhwC: feature map.
///   - size: rows and columns of the result.
///   - mode: which maps.
/// - Returns: `BhwC`; x itself where it has that size already.
public func resize(_ x_BhwC: Tensor, to size: (h: Int, w: Int), mode: ResizeMode) -> Tensor {
  precondition(x_BhwC.shape.rank == 4, "resize: expected x of shape (B, h, w, C), got \(x_BhwC.shape)")
  let (_, h, w, _) = x_BhwC.dims4
  precondition(
    h > 0 && w > 0 && size.h > 0 && size.w > 0,
    "resize: expected positive extents, got \(x_BhwC.shape) to \(size)")
  // Every mode is the identity on an axis that keeps its extent.
  if h == size.h && w == size.w { return x_BhwC }
  let rows = ResizeTaps.between(h, size.h, mode)
  let columns = ResizeTaps.between(w, size.w, mode)
  let y_BhwC = resampled(x_BhwC, rows: rows.forward, columns: columns.forward)
  return y_BhwC.recorded(from: [x_BhwC]) { gradY, _ in
    [resampled(gradY, rows: rows.backward, columns: columns.backward)]
  }
}

/// The maps of two axes on a feature map `BhwC`, one after the other, so that what lies in between is the smaller of the
/// two possible ones. A map that keeps its axis's extent is taken for the identity. No gradient.
public func resampled(_ x_BhwC: Tensor, rows: AxisTaps, columns: AxisTaps) -> Tensor {
  if rows.output * columns.input <= rows.input * columns.output {
    return resampledColumns(resampledRows(x_BhwC, rows), columns)
  }
  return resampledRows(resampledColumns(x_BhwC, columns), rows)
}

private func resampledRows(_ x_BhwC: Tensor, _ taps: AxisTaps) -> Tensor { resampled(x_BhwC, axis: 1, taps) }
private func resampledColumns(_ x_BhwC: Tensor, _ taps: AxisTaps) -> Tensor { resampled(x_BhwC, axis: 2, taps) }

private func resampled(_ x_BhwC: Tensor, axis: Int, _ taps: AxisTaps) -> Tensor {
  taps.input == taps.output
    ? x_BhwC.stopGradient() : Tensor(run(.resize(.resample(axis: axis, taps)), x_BhwC.storage))
}

/// The map of one axis and its transpose.
struct ResizeTaps: Sendable {
  let forward: AxisTaps
  let backward: AxisTaps

  private struct Key: Hashable {
    let input: Int
    let output: Int
    let mode: ResizeMode
  }
  private static let cache = Mutex<[Key: ResizeTaps]>([:])

  /// The maps from `input` to `output` elements, made on first use.
  static func between(_ input: Int, _ output: Int, _ mode: ResizeMode) -> ResizeTaps {
    cache.withLock { cache in
      let key = Key(input: input, output: output, mode: mode)
      if let known = cache[key] { return known }
      let forward = AxisTaps(input: input, taps: (0..<output).map { taps(of: $0, input, output, mode) })
      let made = ResizeTaps(forward: forward, backward: forward.transposed())
      cache[key] = made
      return made
    }
  }

  private static func taps(
    of out: Int, _ input: Int, _ output: Int, _ mode: ResizeMode
  ) -> [(index: Int, weight: Float)] {
    switch mode {
    case .nearest:
      // In Float as PyTorch does it: where the exact product is a whole number, its rounding decides.
      let scale = Float(input) / Float(output)
      return [(min(Int(Float(out) * scale), input - 1), 1)]
    case .bicubic:
      let centre = Double(input) / Double(output) * (Double(out) + 0.5) - 0.5
      let first = centre.rounded(.down)
      return (-1...2).map { offset in
        let distance = abs(centre - first - Double(offset))
        return (min(max(Int(first) + offset, 0), input - 1), Float(cubic(distance)))
      }
    case .area:
      let start = out * input / output
      let end = ((out + 1) * input + output - 1) / output
      return (start..<end).map { ($0, 1 / Float(end - start)) }
    }
  }

  /// Keys' cubic convolution kernel (1981) at a distance from 0 to 2, a = -0.75.
  private static func cubic(_ x: Double) -> Double {
    let a = -0.75
    return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
  }
}
