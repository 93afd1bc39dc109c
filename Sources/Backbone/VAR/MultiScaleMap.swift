import NN
import TensorCore

/// VAR's residual feature map: how the tokens of all scales add up to one latent image, and what the next scale is
/// shown of it (FoundationVision/VAR, `models/quant.py`).
public struct MultiScaleMap: Sendable {
  /// Tokens per side of each scale.
  public let patchSides: [Int]
  private let phi: [Conv2d]

  /// Share of the convolution in phi (`quant_resi` of the reference).
  private static let residualRatio: Float = 0.5

  /// Registers the shared phi convolutions, `quant_resi.qresi_ls.{0-3}`.
  public init(_ builder: ParameterBuilder, patchSides: [Int], latentDimension: Int, phiCount: Int = 4) {
    self.patchSides = patchSides
    phi = (0..<phiCount).map {
      Conv2d(builder / "quant_resi" / "qresi_ls" / $0, latentDimension, latentDimension, kernel: 3)
    }
  }

  /// Which phi convolution a scale uses: the one whose tick is nearest to the scale's place in [0, 1].
  public static func phiIndex(scale: Int, scaleCount: Int, phiCount: Int) -> Int {
    let place = scaleCount > 1 ? Double(scale) / Double(scaleCount - 1) : 0
    // Evaluated in the reference's order (`np.linspace`): scale 2 of 10 lies midway between two ticks.
    let first = 1.0 / (phiCount == 4 ? 3 : 2) / Double(phiCount)
    let step = phiCount > 1 ? ((1 - first) - first) / Double(phiCount - 1) : 0
    let distances = (0..<phiCount).map { index -> Double in
      let tick = index > 0 && index == phiCount - 1 ? 1 - first : first + Double(index) * step
      return abs(tick - place)
    }
    return distances.indices.min { distances[$0] < distances[$1] } ?? 0
  }

  /// What one scale adds to the map: upsampled (bicubic) to the full size, then `(x + phi(x)) / 2`.
  /// - Parameter latents_BlD: (B, side * side, D) of scale `scale`.
  /// - Returns: (B, S, S, D) with S the last scale's side.
  public func contribution(latents_BlD: Tensor, scale: Int) -> Tensor {
    let (B, l, D) = latents_BlD.dims3
    let side = patchSides[scale]
    precondition(l == side * side, "MultiScaleMap: \(l) latents for scale \(scale) of side \(side)")
    let full = patchSides[patchSides.count - 1]
    var map_BhwD = latents_BlD.reshaped([B, side, side, D])
    if side != full { map_BhwD = resize(map_BhwD, to: (full, full), mode: .bicubic) }
    let index = Self.phiIndex(scale: scale, scaleCount: patchSides.count, phiCount: phi.count)
    let ratio = Self.residualRatio
    return map_BhwD * (1 - ratio) + phi[index](map_BhwD) * ratio
  }

  /// The map as the scale of side `side` sees it: area-averaged, as tokens (B, side * side, D).
  public func view(of map_BhwD: Tensor, side: Int) -> Tensor {
    let (B, h, _, D) = map_BhwD.dims4
    let small = side == h ? map_BhwD : resize(map_BhwD, to: (side, side), mode: .area)
    return small.reshaped([B, side * side, D])
  }

  /// The transformer's inputs for all scales but the first (`idxBl_to_var_input`).
  /// - Parameter latents_BLD: latents of the tokens of all scales, or of the first ones; those of the last scale among them
  ///   are not used.
  /// - Returns: (B, L - l_0, D)
  public func inputs(latents_BLD: Tensor) -> Tensor {
    let stages = TokenLayout(patchSides: patchSides).stages
    var map: Tensor?
    var views: [Tensor] = []
    for scale in stages.indices where stages[scale].upperBound < latents_BLD.dims3.1 {
      let added = contribution(latents_BlD: latents_BLD.sliced(axis: 1, stages[scale]), scale: scale)
      let sum = map.map { $0 + added } ?? added
      views.append(view(of: sum, side: patchSides[scale + 1]))
      map = sum
    }
    return views.isEmpty ? latents_BLD.sliced(axis: 1, 0..<0) : Tensor.concatenated(views, axis: 1)
  }

  /// The latent image of a whole sequence (`f_hat` of the reference): (B, S, S, D).
  public func featureMap(latents_BLD: Tensor) -> Tensor {
    let stages = TokenLayout(patchSides: patchSides).stages
    var map = contribution(latents_BlD: latents_BLD.sliced(axis: 1, stages[0]), scale: 0)
    for scale in 1..<patchSides.count {
      map = map + contribution(latents_BlD: latents_BLD.sliced(axis: 1, stages[scale]), scale: scale)
    }
    return map
  }
}
