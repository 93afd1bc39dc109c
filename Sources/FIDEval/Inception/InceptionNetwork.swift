import TensorCore

/// Inception-V3 (Szegedy et al. 2015, arXiv 1512.00567) with the weights and details that FID is defined by: the
/// TensorFlow graph `inception-2015-12-05` as ported by pytorch-fid. 94 convolutions with normalisation and ReLU, and a
/// classifier of 1008 classes.
struct InceptionNetwork {
  /// Side of the images that it takes.
  static let side = 299
  /// Number of classes.
  static let classes = 1008
  /// Spatial features of sFID: so many channels of `Mixed_6d.branch1x1`, of so many pixels a side.
  static let spatialChannels = 7
  static let spatialSide = 17

  let Conv2d_1a_3x3, Conv2d_2a_3x3, Conv2d_2b_3x3: PackedConvolution
  let Conv2d_3b_1x1, Conv2d_4a_3x3: PackedConvolution
  let Mixed_5b, Mixed_5c, Mixed_5d: InceptionA
  let Mixed_6a: InceptionB
  let Mixed_6b, Mixed_6c, Mixed_6d, Mixed_6e: InceptionC
  let Mixed_7a: InceptionD
  let Mixed_7b, Mixed_7c: InceptionE
  let fc: PackedConvolution

  init(_ source: some InceptionLayerSource) throws {
    Conv2d_1a_3x3 = try source.convolution("Conv2d_1a_3x3", 3, 32, kernel: 3, stride: 2)
    Conv2d_2a_3x3 = try source.convolution("Conv2d_2a_3x3", 32, 32, kernel: 3)
    Conv2d_2b_3x3 = try source.convolution("Conv2d_2b_3x3", 32, 64, kernel: 3, padding: 1)
    Conv2d_3b_1x1 = try source.convolution("Conv2d_3b_1x1", 64, 80)
    Conv2d_4a_3x3 = try source.convolution("Conv2d_4a_3x3", 80, 192, kernel: 3)
    Mixed_5b = try InceptionA(source, "Mixed_5b", 192, pooled: 32)
    Mixed_5c = try InceptionA(source, "Mixed_5c", 256, pooled: 64)
    Mixed_5d = try InceptionA(source, "Mixed_5d", 288, pooled: 64)
    Mixed_6a = try InceptionB(source, "Mixed_6a", 288)
    Mixed_6b = try InceptionC(source, "Mixed_6b", 768, inner: 128)
    Mixed_6c = try InceptionC(source, "Mixed_6c", 768, inner: 160)
    Mixed_6d = try InceptionC(source, "Mixed_6d", 768, inner: 160)
    Mixed_6e = try InceptionC(source, "Mixed_6e", 768, inner: 192)
    Mixed_7a = try InceptionD(source, "Mixed_7a", 768)
    Mixed_7b = try InceptionE(source, "Mixed_7b", 1280, pool: .average)
    Mixed_7c = try InceptionE(source, "Mixed_7c", 2048, pool: .max)
    fc = try source.linear("fc", 2048, Self.classes)
  }

  /// What a pass is to write, and where; it ends after the deepest of them.
  struct Targets {
    /// Averages over the image at a layer, one pixel an image.
    var pooled: (layer: InceptionLayer, map: FeatureMap)?
    /// 17x17x7.
    var spatial: FeatureMap?
    /// Class logits without bias, one pixel an image.
    var logits: FeatureMap?

    /// Writes the averages of a layer where they are wanted.
    /// - Returns: whether something deeper is wanted.
    func collect(_ layer: InceptionLayer, _ x: FeatureMap) -> Bool {
      if let pooled, pooled.layer == layer { x.mean(into: pooled.map) }
      return logits != nil || (spatial != nil && layer < .mixed6e) || (pooled.map { $0.layer > layer } ?? false)
    }
  }

  /// - Parameter images: 299x299x3, as the protocol prepares them.
  func callAsFunction(_ images: FeatureMap, _ targets: Targets) {
    var x = Conv2d_1a_3x3(images)
    x = Conv2d_2a_3x3(x, border: Conv2d_2b_3x3.padding)
    x = Conv2d_2b_3x3(x).maxPooled(.halving)
    guard targets.collect(.maxPool1, x) else { return }
    x = Conv2d_3b_1x1(x)
    x = Conv2d_4a_3x3(x).maxPooled(.halving)
    guard targets.collect(.maxPool2, x) else { return }
    x = Mixed_5b(x)
    x = Mixed_5c(x)
    x = Mixed_5d(x)
    x = Mixed_6a(x)
    x = Mixed_6b(x)
    x = Mixed_6c(x)
    let isDeeper = targets.logits != nil || targets.pooled.map { $0.layer >= .mixed6e } ?? false
    // Its first branch is all that the spatial features need.
    x = isDeeper ? Mixed_6d(x) : Mixed_6d.branch1x1(x)
    if let spatial = targets.spatial { x.channels(0..<Self.spatialChannels).copy(into: spatial) }
    guard isDeeper else { return }
    x = Mixed_6e(x)
    guard targets.collect(.mixed6e, x) else { return }
    x = Mixed_7a(x)
    x = Mixed_7b(x)
    x = Mixed_7c(x)
    guard let logits = targets.logits else {
      _ = targets.collect(.mixed7c, x)
      return
    }
    var means = FeatureMap(images: x.images, height: 1, width: 1, channels: x.channels)
    if let pooled = targets.pooled, pooled.layer == .mixed7c { means = pooled.map }
    x.mean(into: means)
    fc(means, into: logits)
  }
}

/// Where pooled features are taken; the value is their number.
public enum InceptionLayer: Int, CaseIterable, Comparable, Sendable {
  /// After the first max pool, 73x73.
  case maxPool1 = 64
  /// After the second max pool, 35x35.
  case maxPool2 = 192
  /// After `Mixed_6e`, 17x17, before the auxiliary classifier.
  case mixed6e = 768
  /// After `Mixed_7c`, 8x8: what FID uses.
  case mixed7c = 2048

  public static func < (a: InceptionLayer, b: InceptionLayer) -> Bool { a.rawValue < b.rawValue }
}
