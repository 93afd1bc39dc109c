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
  static let spatialCount = spatialSide * spatialSide * spatialChannels

  let Conv2d_1a_3x3, Conv2d_2a_3x3, Conv2d_2b_3x3: InceptionConvolution
  let Conv2d_3b_1x1, Conv2d_4a_3x3: InceptionConvolution
  let Mixed_5b, Mixed_5c, Mixed_5d: InceptionA
  let Mixed_6a: InceptionB
  let Mixed_6b, Mixed_6c, Mixed_6d, Mixed_6e: InceptionC
  let Mixed_7a: InceptionD
  let Mixed_7b, Mixed_7c: InceptionE
  /// (classes, 2048)
  let fc: Tensor

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

  /// A pass, which ends after the deepest layer that is wanted.
  /// - Parameters:
  ///   - images_BhwC: (B, 299, 299, 3), as the protocol prepares them.
  ///   - wanted: what to yield.
  ///   - layer: where pooled features are taken.
  /// - Returns: pooled features (B, F), spatial ones (B, 2023), logits (B, 1008) without bias.
  func callAsFunction(
    _ images_BhwC: Tensor, _ wanted: FeatureOutputs, pooledAt layer: InceptionLayer
  ) -> ImageFeatures {
    var (pooled_BF, spatial_BS): (Tensor?, Tensor?)
    /// Takes what is wanted of a layer.
    /// - Returns: whether something deeper is wanted.
    func collect(_ reached: InceptionLayer, _ x_BhwC: Tensor) -> Bool {
      let isPooled = wanted.contains(.pooled)
      if isPooled, layer == reached { pooled_BF = Self.mean(x_BhwC) }
      return wanted.contains(.logits) || (wanted.contains(.spatial) && reached < .mixed6e)
        || (isPooled && layer > reached)
    }
    func features(_ logits_BC: Tensor? = nil) -> ImageFeatures {
      ImageFeatures(pooled_BF: pooled_BF, spatial_BS: spatial_BS, logits_BC: logits_BC)
    }
    var x = Conv2d_2a_3x3(Conv2d_1a_3x3(images_BhwC))
    x = maxPool(Conv2d_2b_3x3(x), .halving)
    guard collect(.maxPool1, x) else { return features() }
    x = maxPool(Conv2d_4a_3x3(Conv2d_3b_1x1(x)), .halving)
    guard collect(.maxPool2, x) else { return features() }
    x = Mixed_5d(Mixed_5c(Mixed_5b(x)))
    x = Mixed_6c(Mixed_6b(Mixed_6a(x)))
    let isDeeper = wanted.contains(.logits) || (wanted.contains(.pooled) && layer >= .mixed6e)
    // Its first branch is all that the spatial features need.
    x = isDeeper ? Mixed_6d(x) : Mixed_6d.branch1x1(x)
    if wanted.contains(.spatial) {
      spatial_BS = x.sliced(axis: 3, 0..<Self.spatialChannels).reshaped([x.shape[0], Self.spatialCount])
    }
    guard isDeeper else { return features() }
    x = Mixed_6e(x)
    guard collect(.mixed6e, x) else { return features() }
    x = Mixed_7c(Mixed_7b(Mixed_7a(x)))
    guard collect(.mixed7c, x) else { return features() }
    return features(logits(pooled_BF: Self.mean(x)))
  }

  /// The mean over an image's pixels, `BhwC` to (B, C). One axis after the other: the order of a sum over all pixels
  /// may depend on the number of images.
  private static func mean(_ x_BhwC: Tensor) -> Tensor { x_BhwC.mean(axis: 1).mean(axis: 1) }

  /// As a convolution, whose sums do not depend on the number of images, as a matrix product's may.
  private func logits(pooled_BF: Tensor) -> Tensor {
    let (B, F) = pooled_BF.dims2
    return conv2d(pooled_BF.reshaped([B, 1, 1, F]), weight: fc.reshaped([Self.classes, F, 1, 1]))
      .reshaped([B, Self.classes])
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
