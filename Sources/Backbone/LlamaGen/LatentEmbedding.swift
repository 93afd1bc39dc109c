import NN
import TensorCore

/// The students' input where the teacher looks up a token: a map from any latent to an embedding that agrees with the
/// teacher's table on every code.
///
/// With n(x) the code nearest to x, E the table and c the codes: `E[n(x)] + W (x - c[n(x)])`. On a code this is the
/// teacher's own embedding, so a student that is fed snapped tokens starts from exactly the teacher's hidden states; a
/// linear map in place of the table could not give that, since D = 8 dimensions cannot tell V rows of width C apart.
/// Off the codes, where the generator's noise lies, the second term carries what the nearest code leaves out. W starts
/// as the ridge regression of the table on the codes: the slope at which the pieces fit together best.
struct LatentEmbedding: Sendable {
  /// Name of W, (C, D), below the trunk.
  static let projectionName = "latent_projection"

  private let table: Embedding
  private let projection: Linear
  private let codes_VD: Tensor
  private let search: NearestCode

  /// Registers W over a table and the codes, (V, D) in the teacher's own scale.
  init(_ builder: ParameterBuilder, table: Embedding, codes_VD: Tensor) {
    self.table = table
    let (C, D) = (table.weight.dims2.1, codes_VD.dims2.1)
    projection = Linear(builder / Self.projectionName, D, C, bias: false, initializer: .zeros)
    self.codes_VD = codes_VD.stopGradient()
    search = NearestCode(codes_VD)
  }

  /// Latents (B, l, D) in the teacher's own scale to embeddings (B, l, C).
  /// - Parameter known_Bm: the tokens whose codes the first m latents are, or more: only the others are searched for.
  func callAsFunction(_ latents_BlD: Tensor, known_Bm: IndexTensor? = nil) -> Tensor {
    let l = latents_BlD.dims3.1
    guard let known_Bm else { return embedding(latents_BlD) }
    let m = min(known_Bm.shape[1], l)
    let known_BmC = table(known_Bm.columns(0..<m))
    return m == l
      ? known_BmC : Tensor.concatenated([known_BmC, embedding(latents_BlD.sliced(axis: 1, m..<l))], axis: 1)
  }

  /// Any latents.
  private func embedding(_ latents_BlD: Tensor) -> Tensor {
    let (B, l, D) = latents_BlD.dims3
    let ids_Bl = search.nearest(latents_BlD.reshaped([B * l, D])).reshaped([B, l])
    return table(ids_Bl) + projection(latents_BlD - codes_VD.gatherRows(ids_Bl))
  }

  /// Weight of the squared slope in the regression, relative to the codes' mean variance: codes that span fewer than D
  /// dimensions still have a solution.
  private static let ridge = 1e-3

  /// W (C, D) that minimises `sum_j |E_j - b - W c_j|^2 + lambda |W|^2` over W and b.
  /// - Parameters:
  ///   - table_VC: E.
  ///   - codes_VD: c.
  static func fittedProjection(table_VC: Tensor, codes_VD: Tensor) -> Tensor {
    let (V, D) = codes_VD.dims2
    precondition(table_VC.shape[0] == V, "LatentEmbedding: table \(table_VC.shape) for \(V) codes")
    return withoutGradient {
      let c_VD = codes_VD - codes_VD.mean(axis: 0, keepingAxis: true)
      var covariance = c_VD.matmul(c_VD, transposeSelf: true, isExact: true).elements.map(Double.init)
      let trace = (0..<D).reduce(0) { $0 + covariance[$1 * D + $1] }
      for i in 0..<D { covariance[i * D + i] += max(ridge * trace / Double(D), .leastNormalMagnitude) }
      let inverse_DD = Tensor(inverted(covariance, size: D).map { Float($0) }, [D, D])
      // The columns of c sum to zero, so the table's mean drops out.
      return table_VC.matmul(c_VD, transposeSelf: true, isExact: true).matmul(inverse_DD, isExact: true)
    }
  }

  /// Inverse of a symmetric positive definite matrix by Gauss-Jordan elimination, which needs no pivoting there.
  private static func inverted(_ matrix: [Double], size n: Int) -> [Double] {
    var a = matrix
    var inverse = (0..<(n * n)).map { $0 / n == $0 % n ? 1.0 : 0 }
    for pivot in 0..<n {
      let factor = 1 / a[pivot * n + pivot]
      for column in 0..<n {
        a[pivot * n + column] *= factor
        inverse[pivot * n + column] *= factor
      }
      for row in 0..<n where row != pivot {
        let multiple = a[row * n + pivot]
        for column in 0..<n {
          a[row * n + column] -= multiple * a[pivot * n + column]
          inverse[row * n + column] -= multiple * inverse[pivot * n + column]
        }
      }
    }
    return inverse
  }
}
