/// Statistics of one set of images: of its pooled features and, where a network yields them, its spatial ones.
public struct ReferenceStatistics: Equatable, Sendable {
  /// Of the features of FID.
  public let pooled: FeatureStatistics
  /// Of the features of sFID.
  public let spatial: FeatureStatistics?

  public init(pooled: FeatureStatistics, spatial: FeatureStatistics? = nil) {
    (self.pooled, self.spatial) = (pooled, spatial)
  }
}
