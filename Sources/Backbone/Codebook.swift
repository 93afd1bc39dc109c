import TensorCore

/// The vectors that tokens stand for, in unit scale: divided by their root mean square, so that they match noise of
/// unit variance.
public struct Codebook: Sendable {
  /// (V, D), root mean square 1.
  public let vectors_VD: Tensor
  /// Root mean square of the teacher's own vectors: multiply by it before handing latents to teacher or trunk.
  public let scale: Float
  private let search: NearestCode

  /// A codebook from the teacher's own vectors (V, D).
  public init(teacherVectors_VD: Tensor) {
    scale = (teacherVectors_VD.square().mean()).sqrt().item
    vectors_VD = (teacherVectors_VD / scale).stopGradient()
    search = NearestCode(vectors_VD)
  }

  /// Number of vectors (V).
  public var count: Int { vectors_VD.shape[0] }
  /// Latent dimension (D).
  public var dimension: Int { vectors_VD.shape[1] }

  /// Index of the nearest vector for every latent (..., D).
  public func nearest(_ latents: Tensor) -> IndexTensor {
    precondition(latents.shape.last == dimension, "Codebook.nearest: latents \(latents.shape), D = \(dimension)")
    let leading = Shape(Array(latents.shape.dimensions.dropLast()))
    return search.nearest(latents.reshaped([leading.count, dimension])).reshaped(leading)
  }

  /// The vectors of token ids of any shape: (ids..., D), unit scale.
  public func latents(_ ids: IndexTensor) -> Tensor { vectors_VD.gatherRows(ids) }
}

/// Search for the nearest row of a codebook: the largest `q.c - |c|^2 / 2`.
public struct NearestCode: Sendable {
  private let vectors_VD: Tensor
  private let halfSquares_V: Tensor

  /// A search over the rows of (V, D).
  public init(_ vectors_VD: Tensor) {
    self.vectors_VD = vectors_VD.stopGradient()
    halfSquares_V = withoutGradient { vectors_VD.square().sum(axis: 1) * 0.5 }
  }

  /// Most elements of a block of products: 64 MB. A batch of LlamaGen images would need 1.6 GB at once.
  private static let blockElements = 1 << 24

  /// (N, D) to N indices.
  public func nearest(_ queries_ND: Tensor) -> IndexTensor {
    let N = queries_ND.dims2.0
    let rows = max(1, Self.blockElements / vectors_VD.shape[0])
    return withoutGradient {
      let blocks = stride(from: 0, to: max(N, 1), by: rows).map { start in
        let block_ND = queries_ND.sliced(axis: 0, start..<min(start + rows, N))
        return (block_ND.matmul(vectors_VD, transposeOther: true, isExact: true) - halfSquares_V).argmax()
      }
      return IndexTensor.concatenated(blocks, axis: 0)
    }
  }
}
