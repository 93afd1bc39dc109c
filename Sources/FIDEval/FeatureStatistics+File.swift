import Artifacts

extension FeatureStatistics {
  private static let kind = "feature-statistics"

  /// Writes an HDF5 file: datasets `mu` (F) and `sigma` (F, F), attributes `format`, `version`, `kind`, and, where
  /// known, `count`, `extractor`, `weights_sha256`, `protocol`. Throws `ArtifactError`.
  public func write(_ path: String) throws {
    let writer = try HDF5Writer(path: path)
    try writer.setAttribute("format", .string("dd2"))
    try writer.setAttribute("version", .int(1))
    try writer.setAttribute("kind", .string(Self.kind))
    if let count { try writer.setAttribute("count", .int(Int64(count))) }
    if let provenance {
      try writer.setAttribute("extractor", .string(provenance.extractor))
      try writer.setAttribute("weights_sha256", .string(provenance.weightsHash))
      try writer.setAttribute("protocol", .string(provenance.preprocessing))
    }
    try writer.write(HostArray(shape: [dimension], mean), to: "mu")
    try writer.write(HostArray(shape: [dimension, dimension], covariance), to: "sigma")
    try writer.finish()
  }

  /// Reads what `write` wrote. Throws `ArtifactError` for a file that cannot be read, `FIDError.invalidStatistics`
  /// for one that does not hold sound statistics.
  public static func read(_ path: String) throws -> FeatureStatistics {
    let file = try HDF5File(reading: path)
    let attributes = try file.attributes()
    guard attributes["kind"] == .string(kind) else {
      throw FIDError.invalidStatistics(path: path, detail: "the attribute kind is not \(kind)")
    }
    let mu = try file.read("mu")
    let sigma = try file.read("sigma")
    guard mu.shape.count == 1, sigma.shape == [mu.count, mu.count] else {
      throw FIDError.invalidStatistics(path: path, detail: "mu is \(mu.shape) and sigma \(sigma.shape)")
    }
    do {
      return try FeatureStatistics(
        count: attributes["count"]?.int.map { Int($0) }, mean: mu.doubles, covariance: sigma.doubles,
        provenance: provenance(in: attributes))
    } catch let error as FIDError {
      throw FIDError.invalidStatistics(path: path, detail: error.description)
    }
  }

  private static func provenance(in attributes: [String: HDF5Attribute]) -> FeatureProvenance? {
    guard let extractor = attributes["extractor"]?.string,
      let weightsHash = attributes["weights_sha256"]?.string,
      let preprocessing = attributes["protocol"]?.string
    else { return nil }
    return FeatureProvenance(
      extractor: extractor, weightsHash: weightsHash, preprocessing: preprocessing)
  }
}
