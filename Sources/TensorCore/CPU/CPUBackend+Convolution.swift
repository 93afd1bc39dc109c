import CShims

/// Convolution as matrix products over tiles of output pixels, where the direct kernel is no choice: the patches of a
/// tile are copied out (`im2col`) into scratch memory that stays in cache, and multiplied at once.
extension CPUBackend {
  func run(_ kernel: ConvolutionKernel, _ x: [Storage], into y: Storage) {
    switch kernel {
    case .convolve(let geometry, let rectifies):
      convolve(x[0], weight: x[1], bias: x.count > 2 ? x[2] : nil, rectifying: rectifies, into: y, geometry)
    case .backwardInput(let geometry): convolveBackwardInput(gradY: x[0], weight: x[1], into: y, geometry)
    case .backwardWeight(let geometry): convolveBackwardWeight(x: x[0], gradY: x[1], into: y, geometry)
    }
  }

  private func convolve(
    _ x: Storage, weight: Storage, bias: Storage?, rectifying: Bool, into y: Storage, _ geometry: ConvolutionGeometry
  ) {
    let g = geometry
    if Self.isDirect(g) {
      convolveDirectly(
        x.host, panels: panels(of: weight, g), bias: bias?.host, rectifying: rectifying, into: y.host, g)
      return
    }
    let packed = scratch(g.outputs * g.patch)
    pool.forEachRange(g.outputs, grain: max(1, Self.grain / g.patch)) { range in
      dd2_conv_pack(weight.host, g.inputs, g.taps, range.lowerBound, range.upperBound, packed.host)
    }
    convolve(x.host, packed: packed, bias: bias?.host, rectifying: rectifying, into: y.host, g)
  }

  func convolveBackwardInput(
    gradY: Storage, weight: Storage, into gradX: Storage, _ geometry: ConvolutionGeometry
  ) {
    if geometry.stride == 1 {
      correlateBackwardInput(gradY: gradY, weight: weight, into: gradX, geometry)
    } else {
      scatterBackwardInput(gradY: gradY, weight: weight, into: gradX, geometry)
    }
  }

  func convolveBackwardWeight(
    x: Storage, gradY: Storage, into gradWeight: Storage, _ geometry: ConvolutionGeometry
  ) {
    let g = geometry
    let tiles = ConvolutionTiles(g)
    let parts = min(pool.threadCount, max(tiles.count, 1))
    let size = g.outputs * g.patch
    let sums = scratch(parts * size)
    if tiles.count == 0 { fill(sums, value: 0, count: size) }
    pool.forEachPart { part in
      guard part < parts else { return }
      let scratch = scratch(tiles.scratch)
      let share = ThreadPool.range(of: part, parts: parts, count: tiles.count)
      for tile in share {
        let pixels = tiles.pixels(tile)
        let patches = tiles.patches(x.host, pixels, scratch: scratch.host)
        BLAS.multiply(
          1, 0, g.outputs, g.patch, pixels.count, 1, gradY.host + pixels.lowerBound * g.outputs, g.outputs,
          patches, g.patch, tile == share.lowerBound ? 0 : 1, sums.host + part * size, g.patch)
      }
    }
    pool.forEachRange(g.outputs, grain: max(1, Self.grain / (parts * g.patch))) { range in
      dd2_conv_unpack_sum(
        sums.host, parts, g.outputs, g.inputs, g.taps, range.lowerBound, range.upperBound, gradWeight.host)
    }
  }

  /// - Parameter packed: weight as (O, kernel rows, kernel columns, I).
  private func convolve(
    _ x: UnsafePointer<Float>, packed: Storage, bias: UnsafePointer<Float>?, rectifying: Bool,
    into y: UnsafeMutablePointer<Float>, _ g: ConvolutionGeometry
  ) {
    let tiles = ConvolutionTiles(g)
    pool.forEachRange(tiles.count, grain: tiles.grain) { range in
      let scratch = scratch(tiles.scratch)
      for tile in range {
        let pixels = tiles.pixels(tile)
        let patches = tiles.patches(x, pixels, scratch: scratch.host)
        let to = y + pixels.lowerBound * g.outputs
        if let bias { dd2_repeat_row(bias, pixels.count, g.outputs, to) }
        BLAS.multiply(
          0, 1, pixels.count, g.outputs, g.patch, 1, patches, g.patch, packed.host, g.patch,
          bias == nil ? 0 : 1, to, g.outputs)
        if rectifying { dd2_rectify(to, pixels.count * g.outputs) }
      }
    }
  }

  /// Stride 1: gradX is the convolution of gradY with the kernel turned around and its channels exchanged.
  private func correlateBackwardInput(
    gradY: Storage, weight: Storage, into gradX: Storage, _ g: ConvolutionGeometry
  ) {
    let packed = scratch(g.outputs * g.patch)
    pool.forEachRange(g.inputs, grain: max(1, Self.grain / (g.taps * g.outputs))) { range in
      dd2_conv_pack_flipped(
        weight.host, g.outputs, g.inputs, g.taps, range.lowerBound, range.upperBound, packed.host)
    }
    let padding = Padding(
      top: g.kernelHeight - 1 - g.padding.top, bottom: g.kernelHeight - 1 - g.padding.bottom,
      left: g.kernelWidth - 1 - g.padding.left, right: g.kernelWidth - 1 - g.padding.right)
    let transposed = ConvolutionGeometry(
      batch: g.batch, height: g.outHeight, width: g.outWidth, inputs: g.outputs, outputs: g.inputs,
      kernelHeight: g.kernelHeight, kernelWidth: g.kernelWidth, stride: 1, padding: padding)
    convolve(gradY.host, packed: packed, bias: nil, rectifying: false, into: gradX.host, transposed)
  }

  /// Any stride: gradients of patches, added back to the pixels they came from. Patches of one image overlap, so
  /// an image belongs to one thread.
  private func scatterBackwardInput(
    gradY: Storage, weight: Storage, into gradX: Storage, _ g: ConvolutionGeometry
  ) {
    let packed = scratch(g.outputs * g.patch)
    dd2_conv_pack(weight.host, g.inputs, g.taps, 0, g.outputs, packed.host)
    var one = g
    one.batch = 1
    let tiles = ConvolutionTiles(one)
    pool.forEachRange(g.batch, grain: 1) { range in
      let scratch = scratch(tiles.tile * g.patch)
      for image in range {
        let to = gradX.host + image * g.height * g.width * g.inputs
        to.update(repeating: 0, count: g.height * g.width * g.inputs)
        let from = gradY.host + image * one.outPixels * g.outputs
        for tile in 0..<tiles.count {
          let pixels = tiles.pixels(tile)
          BLAS.multiply(
            0, 0, pixels.count, g.patch, g.outputs, 1, from + pixels.lowerBound * g.outputs, g.outputs,
            packed.host, g.patch, 0, scratch.host, g.patch)
          withUnsafePointer(to: one.forC) {
            dd2_col2im_add(scratch.host, $0, pixels.lowerBound, pixels.count, to)
          }
        }
      }
    }
  }
}

/// How the output pixels of a convolution are cut into tiles, each image in the same way.
///
/// In which order OpenBLAS sums depends on the number of a product's rows and on a row's place among them. Tiles that
/// neither hold parts of two images nor depend on batch or threads give an image the same values in any company.
private struct ConvolutionTiles {
  /// Most output pixels of a tile.
  let tile: Int
  /// Number of tiles.
  let count: Int
  /// Fewest tiles for which waking a thread pays.
  let grain: Int
  private let geometry: ConvolutionGeometry
  /// Output pixels of an image, and the tiles that cover them.
  private let image: (pixels: Int, tiles: Int)

  init(_ geometry: ConvolutionGeometry) {
    self.geometry = geometry
    let pixels = geometry.outHeight * geometry.outWidth
    let work = max(1, geometry.patch * geometry.outputs)
    // Patches of half a megabyte share the second-level cache with the weights; below 128 rows the product itself
    // becomes slow.
    let most = max(128, min(256, (1 << 17) / max(geometry.patch, 1)))
    image = (pixels, (pixels + most - 1) / most)
    count = geometry.batch * image.tiles
    tile = (pixels + max(image.tiles, 1) - 1) / max(image.tiles, 1)
    grain = max(1, 16 * CPUBackend.grain / (max(tile, 1) * work))
  }

  /// Whether the patches are the map itself.
  private var isDirect: Bool {
    geometry.taps == 1 && geometry.stride == 1 && geometry.padding == .none
  }

  /// Floats that `patches` needs.
  var scratch: Int { isDirect ? 0 : tile * geometry.patch }

  /// The output pixels of a tile, counted through the batch.
  func pixels(_ index: Int) -> Range<Int> {
    let (number, part) = index.quotientAndRemainder(dividingBy: image.tiles)
    let start = number * image.pixels
    return (start + part * tile)..<(start + min((part + 1) * tile, image.pixels))
  }

  /// The patches (pixels, kernel rows, kernel columns, channels) under some output pixels.
  func patches(
    _ x: UnsafePointer<Float>, _ pixels: Range<Int>, scratch: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    if isDirect { return x + pixels.lowerBound * geometry.inputs }
    withUnsafePointer(to: geometry.forC) {
      dd2_im2col(x, $0, pixels.lowerBound, pixels.count, scratch)
    }
    return UnsafePointer(scratch)
  }
}

extension ConvolutionGeometry {
  var forC: dd2_conv_geometry {
    dd2_conv_geometry(
      height: height, width: width, channels: inputs, kernel_height: kernelHeight,
      kernel_width: kernelWidth, stride: stride, top: padding.top, left: padding.left,
      out_height: outHeight, out_width: outWidth)
  }
}
