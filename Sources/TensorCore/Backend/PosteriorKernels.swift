/// Extents of a codebook posterior: `levels` noised versions of each of `rows` tokens.
public struct PosteriorExtents: Sendable {
  /// Noise levels (K), which share a row of probabilities.
  public var levels: Int
  /// Rows of probabilities (B L).
  public var rows: Int
  /// Codebook size (V).
  public var codes: Int
  /// Latent dimension (D).
  public var width: Int

  /// Extents of a codebook posterior.
  public init(levels: Int, rows: Int, codes: Int, width: Int) {
    self.levels = levels
    self.rows = rows
    self.codes = codes
    self.width = width
  }
}

/// What a codebook posterior is computed from.
public struct PosteriorInputs {
  /// Noised tokens (levels, rows, width) and their times (levels, rows).
  public var x, t: Storage
  /// Log-probabilities (rows, codes).
  public var logProbabilities: Storage
  /// Codebook (codes, width).
  public var codebook: Storage

  /// What a codebook posterior is computed from.
  public init(x: Storage, t: Storage, logProbabilities: Storage, codebook: Storage) {
    self.x = x
    self.t = t
    self.logProbabilities = logProbabilities
    self.codebook = codebook
  }
}

/// The codebook posterior.
public protocol PosteriorKernels {
  /// Writes the posterior mean (levels, rows, width) and what the backward pass needs, `logSum` (levels, rows, 2).
  func codebookPosteriorMean(_ inputs: PosteriorInputs, mean: Storage, logSum: Storage, _ extents: PosteriorExtents)
  /// Gradients; nil results are not computed.
  func codebookPosteriorMeanBackward(
    _ inputs: PosteriorInputs, mean: Storage, logSum: Storage, gradMean: Storage, gradX: Storage?,
    gradLogProbabilities: Storage?, _ extents: PosteriorExtents)
}
