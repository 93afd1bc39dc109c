import CShims

/// Convolution without a copy of patches, for outputs that fill vectors: a tile of output pixels times a panel of
/// outputs stays in registers. Each sum runs in an order that depends on nothing else in the batch, so work is cut as
/// suits the caches.
extension CPUBackend {
  /// Whether the direct kernel can compute a convolution.
  static func isDirect(_ g: ConvolutionGeometry) -> Bool {
    g.outputs % DD2_LANES == 0 && g.taps <= DD2_MOST_TAPS
  }

  /// - Parameter panels: weights as `panels(of:_:)` has them.
  func convolveDirectly(
    _ x: UnsafePointer<Float>, panels: Storage, bias: UnsafePointer<Float>?, rectifying: Bool,
    into y: UnsafeMutablePointer<Float>, _ g: ConvolutionGeometry
  ) {
    let zeros = scratch(max(g.inputs, g.outputs))
    zeros.host.update(repeating: 0, count: zeros.count)
    let work = dd2_direct_conv(
      geometry: g.forC, outputs: g.outputs, x: x, packed: panels.host, bias: bias ?? UnsafePointer(zeros.host),
      zeros: zeros.host, y: y, least: rectifying ? 0 : -.infinity)
    let pieces = DirectPieces(g, threads: pool.threadCount)
    pool.forEachRange(pieces.count, grain: pieces.grain) { range in
      withUnsafePointer(to: work) {
        for piece in range {
          let pixels = pieces.pixels(piece)
          dd2_conv_direct($0, pixels.lowerBound, pixels.count, piece % pieces.panels)
        }
      }
    }
    withExtendedLifetime((zeros, panels)) {}
  }

  /// Weights `OIhw` in the order that the direct kernel reads, made again only when they have changed.
  func panels(of weight: Storage, _ g: ConvolutionGeometry) -> Storage {
    weight.hostBlock.derived(.panels(outputs: g.outputs, inputs: g.inputs, taps: g.taps)) {
      let packed = scratch(g.outputs * g.patch)
      let panels = dd2_conv_direct_panels(g.outputs)
      pool.forEachRange(panels, grain: max(1, Self.grain * panels / max(packed.count, 1))) { range in
        for panel in range {
          dd2_conv_direct_pack(weight.host, g.outputs, g.inputs, g.taps, panel, packed.host)
        }
      }
      return packed
    }
  }
}

/// How a direct convolution is cut: into chunks of output pixels, and these into panels of outputs. Threads take
/// neighbouring chunks, so that each reads what it wrote itself one layer before.
private struct DirectPieces {
  /// Number of pieces.
  let count: Int
  /// Pieces of a chunk.
  let panels: Int
  /// Fewest pieces for which waking a thread pays.
  let grain: Int
  private let outPixels: Int
  private let chunk: Int

  /// Output pixels of the tiles that most panels have; fewer than `least` leave many places of tiles empty.
  private static let (tile, least) = (6, 24)

  init(_ g: ConvolutionGeometry, threads: Int) {
    outPixels = g.outPixels
    panels = dd2_conv_direct_panels(g.outputs)
    // What a chunk reads of x, half a megabyte, stays in the second-level cache while panels go by.
    let most = min(1024, max(Self.least, (1 << 17) / max(g.inputs * g.stride * g.stride, 1)))
    func rounded(_ number: Int, to unit: Int) -> Int { (number + unit - 1) / unit * unit }
    // As many for each thread, of one size.
    let chunks = max(threads, rounded((outPixels + most - 1) / most, to: threads))
    chunk = max(Self.least, rounded((outPixels + chunks - 1) / chunks, to: Self.tile))
    count = (outPixels + chunk - 1) / chunk * panels
    grain = max(1, 16 * CPUBackend.grain * count / max(outPixels * g.patch * g.outputs, 1))
  }

  /// The output pixels of a piece, counted through the batch.
  func pixels(_ piece: Int) -> Range<Int> {
    let first = piece / panels * chunk
    return first..<min(first + chunk, outPixels)
  }
}
