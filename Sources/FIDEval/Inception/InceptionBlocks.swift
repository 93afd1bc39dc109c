import TensorCore

// The blocks of Inception-V3 as pytorch-fid has them (`inception.py`: FIDInceptionA, C, E_1, E_2; torchvision's
// InceptionB and D), which follow the TensorFlow graph of 2015: average pools leave the padding out.

/// 35x35: 1x1, 5x5, two 3x3, and a pool.
struct InceptionA {
  let branch1x1: InceptionConvolution
  let branch5x5_1, branch5x5_2: InceptionConvolution
  let branch3x3dbl_1, branch3x3dbl_2, branch3x3dbl_3: InceptionConvolution
  let branch_pool: InceptionConvolution

  init(_ source: some InceptionLayerSource, _ name: String, _ inputs: Int, pooled: Int) throws {
    branch1x1 = try source.convolution("\(name).branch1x1", inputs, 64)
    branch5x5_1 = try source.convolution("\(name).branch5x5_1", inputs, 48)
    branch5x5_2 = try source.convolution("\(name).branch5x5_2", 48, 64, kernel: 5, padding: 2)
    branch3x3dbl_1 = try source.convolution("\(name).branch3x3dbl_1", inputs, 64)
    branch3x3dbl_2 = try source.convolution("\(name).branch3x3dbl_2", 64, 96, kernel: 3, padding: 1)
    branch3x3dbl_3 = try source.convolution("\(name).branch3x3dbl_3", 96, 96, kernel: 3, padding: 1)
    branch_pool = try source.convolution("\(name).branch_pool", inputs, pooled)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    joined(
      branch1x1(x),
      branch5x5_2(branch5x5_1(x)),
      branch3x3dbl_3(branch3x3dbl_2(branch3x3dbl_1(x))),
      branch_pool(averagePool(x, .same)))
  }
}

/// 35x35 to 17x17.
struct InceptionB {
  let branch3x3: InceptionConvolution
  let branch3x3dbl_1, branch3x3dbl_2, branch3x3dbl_3: InceptionConvolution

  init(_ source: some InceptionLayerSource, _ name: String, _ inputs: Int) throws {
    branch3x3 = try source.convolution("\(name).branch3x3", inputs, 384, kernel: 3, stride: 2)
    branch3x3dbl_1 = try source.convolution("\(name).branch3x3dbl_1", inputs, 64)
    branch3x3dbl_2 = try source.convolution("\(name).branch3x3dbl_2", 64, 96, kernel: 3, padding: 1)
    branch3x3dbl_3 = try source.convolution("\(name).branch3x3dbl_3", 96, 96, kernel: 3, stride: 2)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    joined(
      branch3x3(x),
      branch3x3dbl_3(branch3x3dbl_2(branch3x3dbl_1(x))),
      maxPool(x, .halving))
  }
}

/// 17x17: 1x1, 7x7 in two factors, twice 7x7 in four, and a pool.
struct InceptionC {
  let branch1x1: InceptionConvolution
  let branch7x7_1, branch7x7_2, branch7x7_3: InceptionConvolution
  let branch7x7dbl_1, branch7x7dbl_2, branch7x7dbl_3, branch7x7dbl_4, branch7x7dbl_5: InceptionConvolution
  let branch_pool: InceptionConvolution

  init(_ source: some InceptionLayerSource, _ name: String, _ inputs: Int, inner C: Int) throws {
    branch1x1 = try source.convolution("\(name).branch1x1", inputs, 192)
    branch7x7_1 = try source.convolution("\(name).branch7x7_1", inputs, C)
    branch7x7_2 = try source.convolution("\(name).branch7x7_2", C, C, rows: 1, columns: 7)
    branch7x7_3 = try source.convolution("\(name).branch7x7_3", C, 192, rows: 7, columns: 1)
    branch7x7dbl_1 = try source.convolution("\(name).branch7x7dbl_1", inputs, C)
    branch7x7dbl_2 = try source.convolution("\(name).branch7x7dbl_2", C, C, rows: 7, columns: 1)
    branch7x7dbl_3 = try source.convolution("\(name).branch7x7dbl_3", C, C, rows: 1, columns: 7)
    branch7x7dbl_4 = try source.convolution("\(name).branch7x7dbl_4", C, C, rows: 7, columns: 1)
    branch7x7dbl_5 = try source.convolution("\(name).branch7x7dbl_5", C, 192, rows: 1, columns: 7)
    branch_pool = try source.convolution("\(name).branch_pool", inputs, 192)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    joined(
      branch1x1(x),
      branch7x7_3(branch7x7_2(branch7x7_1(x))),
      branch7x7dbl_5(branch7x7dbl_4(branch7x7dbl_3(branch7x7dbl_2(branch7x7dbl_1(x))))),
      branch_pool(averagePool(x, .same)))
  }
}

/// 17x17 to 8x8.
struct InceptionD {
  let branch3x3_1, branch3x3_2: InceptionConvolution
  let branch7x7x3_1, branch7x7x3_2, branch7x7x3_3, branch7x7x3_4: InceptionConvolution

  init(_ source: some InceptionLayerSource, _ name: String, _ inputs: Int) throws {
    branch3x3_1 = try source.convolution("\(name).branch3x3_1", inputs, 192)
    branch3x3_2 = try source.convolution("\(name).branch3x3_2", 192, 320, kernel: 3, stride: 2)
    branch7x7x3_1 = try source.convolution("\(name).branch7x7x3_1", inputs, 192)
    branch7x7x3_2 = try source.convolution("\(name).branch7x7x3_2", 192, 192, rows: 1, columns: 7)
    branch7x7x3_3 = try source.convolution("\(name).branch7x7x3_3", 192, 192, rows: 7, columns: 1)
    branch7x7x3_4 = try source.convolution("\(name).branch7x7x3_4", 192, 192, kernel: 3, stride: 2)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    joined(
      branch3x3_2(branch3x3_1(x)),
      branch7x7x3_4(branch7x7x3_3(branch7x7x3_2(branch7x7x3_1(x)))),
      maxPool(x, .halving))
  }
}

/// 8x8: 1x1, 3x3 in two factors side by side, the same behind a 3x3, and a pool.
struct InceptionE {
  /// The pool before `branch_pool`: an average in Mixed_7b, a maximum in Mixed_7c.
  enum Pool { case average, max }

  let branch1x1: InceptionConvolution
  let branch3x3_1, branch3x3_2a, branch3x3_2b: InceptionConvolution
  let branch3x3dbl_1, branch3x3dbl_2, branch3x3dbl_3a, branch3x3dbl_3b: InceptionConvolution
  let pool: Pool
  let branch_pool: InceptionConvolution

  init(_ source: some InceptionLayerSource, _ name: String, _ inputs: Int, pool: Pool) throws {
    branch1x1 = try source.convolution("\(name).branch1x1", inputs, 320)
    branch3x3_1 = try source.convolution("\(name).branch3x3_1", inputs, 384)
    branch3x3_2a = try source.convolution("\(name).branch3x3_2a", 384, 384, rows: 1, columns: 3)
    branch3x3_2b = try source.convolution("\(name).branch3x3_2b", 384, 384, rows: 3, columns: 1)
    branch3x3dbl_1 = try source.convolution("\(name).branch3x3dbl_1", inputs, 448)
    branch3x3dbl_2 = try source.convolution("\(name).branch3x3dbl_2", 448, 384, kernel: 3, padding: 1)
    branch3x3dbl_3a = try source.convolution("\(name).branch3x3dbl_3a", 384, 384, rows: 1, columns: 3)
    branch3x3dbl_3b = try source.convolution("\(name).branch3x3dbl_3b", 384, 384, rows: 3, columns: 1)
    branch_pool = try source.convolution("\(name).branch_pool", inputs, 192)
    self.pool = pool
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let branch3x3 = branch3x3_1(x)
    let branch3x3dbl = branch3x3dbl_2(branch3x3dbl_1(x))
    let pooled =
      switch pool {
      case .average: averagePool(x, .same)
      case .max: maxPool(x, .same)
      }
    return joined(
      branch1x1(x),
      branch3x3_2a(branch3x3), branch3x3_2b(branch3x3),
      branch3x3dbl_3a(branch3x3dbl), branch3x3dbl_3b(branch3x3dbl),
      branch_pool(pooled))
  }
}

extension PoolingWindow {
  /// 3x3 around each pixel.
  static let same = PoolingWindow(side: 3, stride: 1, padding: 1)
  /// 3x3 at every second pixel, inside the map.
  static let halving = PoolingWindow(side: 3, stride: 2)
}

/// The branches of a block, side by side in the channels.
private func joined(_ branches: Tensor...) -> Tensor { Tensor.concatenated(branches, axis: 3) }
