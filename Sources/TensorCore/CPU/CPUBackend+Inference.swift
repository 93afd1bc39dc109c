import CShims
import Synchronization

extension CPUBackend: InferenceKernels {
  public func overImages(_ count: Int, atMost most: Int, _ body: (Range<Int>) -> Void) {
    guard count > 0 else { return }
    let atOnce = most * pool.threadCount
    let rounds = (count + atOnce - 1) / atOnce
    let size = (count + rounds * pool.threadCount - 1) / (rounds * pool.threadCount)
    // Whoever is free takes the next range: a thread that other programs slow down gets fewer.
    let next = Atomic<Int>(0)
    pool.forEachPart { _ in
      while true {
        let first = next.add(size, ordering: .relaxed).oldValue
        guard first < count else { return }
        body(first..<min(first + size, count))
      }
    }
  }

  public func packConvolution(
    weight: Storage, factor: Storage, outputs: Int, inputs: Int, taps: Int, into packed: Storage
  ) {
    dd2_inference_pack(weight.host, factor.host, outputs, inputs, taps, packed.host)
  }

  public func convolve(_ x: FeatureMap, _ convolution: PackedConvolution, into y: FeatureMap) {
    let c = convolution
    // Pixels side by side without a gap: a kernel row is one run.
    let isDense = x.pixelStride == c.inputs
    let perRow = isDense ? 1 : c.kernelWidth
    let first = -c.padding.rows * x.rowStride - c.padding.columns * x.pixelStride
    withUnsafeTemporaryAllocation(of: Int.self, capacity: c.kernelHeight * perRow) { offsets in
      for run in 0..<offsets.count {
        let (row, column) = run.quotientAndRemainder(dividingBy: perRow)
        offsets[run] = first + row * x.rowStride + column * x.pixelStride
      }
      var work = dd2_inference_conv(
        x: x.host, x_strides: x.strides, y: y.host, y_strides: y.strides, images: y.images, height: y.height,
        width: y.width, stride: c.stride, run: isDense ? c.kernelWidth * c.inputs : c.inputs, runs: offsets.count,
        offsets: offsets.baseAddress, weights: c.packed.host, bias: c.bias.host, outputs: c.outputs, least: c.least)
      dd2_inference_convolve(&work)
    }
  }

  public func maxPool(_ x: FeatureMap, _ window: PoolingWindow, into y: FeatureMap) {
    var work = pooling(x, window, y)
    dd2_inference_max_pool(&work)
  }

  public func averagePool(_ x: FeatureMap, _ window: PoolingWindow, into y: FeatureMap) {
    var work = pooling(x, window, y)
    dd2_inference_average_pool(&work)
  }

  public func meanPixel(_ x: FeatureMap, into y: FeatureMap) {
    dd2_inference_mean(x.host, x.strides, x.images, x.height, x.width, x.channels, y.host, y.imageStride)
  }

  public func copy(_ x: FeatureMap, into y: FeatureMap) {
    dd2_inference_copy(x.host, x.strides, x.images, x.height, x.width, x.channels, y.host, y.strides)
  }

  public func zeroBorder(_ x: FeatureMap) {
    dd2_inference_zero_border(
      x.host, x.strides, x.images, x.height, x.width, x.border.rows, x.border.columns)
  }

  private func pooling(_ x: FeatureMap, _ window: PoolingWindow, _ y: FeatureMap) -> dd2_inference_pool {
    dd2_inference_pool(
      x: x.host, x_strides: x.strides, y: y.host, y_strides: y.strides, images: x.images, height: x.height,
      width: x.width, out_height: y.height, out_width: y.width, channels: x.channels, side: window.side,
      stride: window.stride, padding: window.padding)
  }
}

extension FeatureMap {
  fileprivate var host: UnsafeMutablePointer<Float> { storage.host + start }
  fileprivate var strides: dd2_map_strides {
    dd2_map_strides(image: imageStride, row: rowStride, pixel: pixelStride)
  }
}
