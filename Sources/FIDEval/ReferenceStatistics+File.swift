import Artifacts
import Foundation

extension ReferenceStatistics {
  private static let kind = "feature-statistics"

  /// Writes statistics: for a name that ends in `.npz` arrays `mu` (F), `sigma` (F, F) and, where known, `mu_s`,
  /// `sigma_s` in NumPy's format, which pytorch-fid and ADM's evaluator read and which says nothing else; for any other
  /// name HDF5 with the same datasets, attributes `format`, `version`, `kind`, and, where known, `count`, `extractor`,
  /// `weights_sha256`, `protocol`. Throws `ArtifactError`.
  public func write(_ path: String) throws {
    let sets = [("", pooled)] + (spatial.map { [("_s", $0)] } ?? [])
    guard !path.lowercased().hasSuffix(".npz") else {
      return try NumPyWriter.write(
        sets.flatMap { suffix, set in
          [
            ("mu" + suffix, [set.dimension], set.mean),
            ("sigma" + suffix, [set.dimension, set.dimension], set.covariance),
          ]
        }, to: path)
    }
    let writer = try HDF5Writer(path: path)
    try writer.setAttribute("format", .string("dd2"))
    try writer.setAttribute("version", .int(1))
    try writer.setAttribute("kind", .string(Self.kind))
    if let count = pooled.count { try writer.setAttribute("count", .int(Int64(count))) }
    if let provenance = pooled.provenance {
      try writer.setAttribute("extractor", .string(provenance.extractor))
      try writer.setAttribute("weights_sha256", .string(provenance.weightsHash))
      try writer.setAttribute("protocol", .string(provenance.preprocessing))
    }
    for (suffix, set) in sets {
      try writer.write(HostArray(shape: [set.dimension], set.mean), to: "mu" + suffix)
      try writer.write(HostArray(shape: [set.dimension, set.dimension], set.covariance), to: "sigma" + suffix)
    }
    try writer.finish()
  }

  /// Reads what `write` wrote, or an `.npz` of others, which says neither how many images nor whose features they are.
  ///
  /// Throws `ArtifactError` for a file that cannot be read, `FIDError.invalidStatistics` for one that does not hold
  /// sound statistics.
  public static func read(_ path: String) throws -> ReferenceStatistics {
    try isNumPy(path) ? readNumPy(NumPyFile.open(path)) : readHDF5(path)
  }

  /// Whether a file is NumPy's: by its contents, and by its name where they are neither NumPy's nor HDF5.
  /// Throws `ArtifactError.missingFile`, `.notReadable` or `.inputOutput`.
  public static func isNumPy(_ path: String) throws -> Bool {
    switch try FileKind(ofFile: path) {
    case .numPyArray, .numPyArchive: true
    case .hdf5: false
    default: path.lowercased().hasSuffix(".npz") || path.lowercased().hasSuffix(".npy")
    }
  }

  /// The statistics in an open NumPy file. Throws as `read`.
  public static func readNumPy(_ file: NumPyFile) throws -> ReferenceStatistics {
    func set(_ suffix: String) throws -> FeatureStatistics {
      try statistics(
        mu: file.array("mu" + suffix), sigma: file.array("sigma" + suffix), count: nil, provenance: nil,
        path: file.path)
    }
    return ReferenceStatistics(pooled: try set(""), spatial: file.entry("mu_s") == nil ? nil : try set("_s"))
  }

  private static func readHDF5(_ path: String) throws -> ReferenceStatistics {
    let file = try HDF5File(reading: path)
    let attributes = try file.attributes()
    guard attributes["kind"] == .string(kind) else {
      throw FIDError.invalidStatistics(path: path, detail: "the attribute kind is not \(kind)")
    }
    let count = attributes["count"]?.int.map { Int($0) }
    let provenance = provenance(in: attributes)
    func set(_ suffix: String) throws -> FeatureStatistics {
      try statistics(
        mu: file.read("mu" + suffix), sigma: file.read("sigma" + suffix), count: count, provenance: provenance,
        path: path)
    }
    let hasSpatial = try file.contains("mu_s")
    return ReferenceStatistics(pooled: try set(""), spatial: hasSpatial ? try set("_s") : nil)
  }

  private static func statistics(
    mu: HostArray, sigma: HostArray, count: Int?, provenance: FeatureProvenance?, path: String
  ) throws -> FeatureStatistics {
    guard mu.shape.count == 1, mu.count > 0, sigma.shape == [mu.count, mu.count] else {
      throw FIDError.invalidStatistics(path: path, detail: "mu is \(mu.shape) and sigma \(sigma.shape)")
    }
    let covariance = sigma.doubles
    try requireCovariance(covariance, n: mu.count, path: path)
    do {
      return try FeatureStatistics(
        count: count, mean: mu.doubles, covariance: covariance, provenance: provenance)
    } catch let error as FIDError {
      throw FIDError.invalidStatistics(path: path, detail: error.description)
    }
  }

  /// Throws where a matrix (n, n) is no covariance: a negative variance, or two halves that differ by more than rounding
  /// to `Float` explains. A distance would come out all the same, even 0.
  private static func requireCovariance(_ sigma: [Double], n: Int, path: String) throws {
    var largest = 0.0
    for i in 0..<n {
      guard sigma[i * n + i] >= 0 || !sigma[i * n + i].isFinite else {
        throw FIDError.invalidStatistics(path: path, detail: "sigma has the negative variance \(sigma[i * n + i])")
      }
      largest = max(largest, sigma[i * n + i])
    }
    let tolerance = 1e-5 * largest
    for i in 0..<n {
      for j in 0..<i where abs(sigma[i * n + j] - sigma[j * n + i]) > tolerance {
        throw FIDError.invalidStatistics(path: path, detail: "sigma is not symmetric at [\(i), \(j)]")
      }
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

extension FeatureStatistics {
  /// Writes a file with these statistics alone, as `ReferenceStatistics.write`.
  public func write(_ path: String) throws { try ReferenceStatistics(pooled: self).write(path) }

  /// The pooled statistics of a file, as `ReferenceStatistics.read`.
  public static func read(_ path: String) throws -> FeatureStatistics { try ReferenceStatistics.read(path).pooled }
}
