import TensorCore

/// The vectors that tokens stand for, in unit scale: divided by their root mean square, so that they match noise of
/// unit variance (design, section 2).
public struct Codebook: Sendable {
  /// (V, D), root mean square 1.
  public let vectors_VD: Tensor
  /// Root mean square of the teacher's own vectors: multiply by it before handing latents to teacher or trunk.
  public let scale: Float
  private let halfSquares_V: Tensor

  /// A codebook from the teacher's own vectors (V, D).
  public init(teacherVectors_VD: Tensor) {
    scale = (teacherVectors_VD.square().mean()).sqrt().item
    vectors_VD = (teacherVectors_VD / scale).stopGradient()
    halfSquares_V = (vectors_VD.square().sum(axis: 1) * 0.5).stopGradient()
  }

  /// Number of vectors (V).
  public var count: Int { vectors_VD.shape[0] }
  /// Latent dimension (D).
  public var dimension: Int { vectors_VD.shape[1] }

  /// Index of the nearest vector for every latent (..., D): the largest `q.c - |c|^2 / 2`.
  public func nearest(_ latents: Tensor) -> IndexTensor {
    precondition(latents.shape.last == dimension, "Codebook.nearest: latents \(latents.shape), D = \(dimension)")
    let leading = Shape(Array(latents.shape.dimensions.dropLast()))
    return withoutGradient {
      let flat = latents.reshaped([leading.count, dimension])
      return (flat.matmul(vectors_VD, transposeOther: true) - halfSquares_V).argmax().reshaped(leading)
    }
  }

  /// The vectors of token ids of any shape: (ids..., D), unit scale.
  public func latents(_ ids: IndexTensor) -> Tensor { vectors_VD.gatherRows(ids) }

  /// Every latent replaced by its nearest vector; no gradient.
  public func snapped(_ latents: Tensor) -> Tensor { self.latents(nearest(latents)) }
}
