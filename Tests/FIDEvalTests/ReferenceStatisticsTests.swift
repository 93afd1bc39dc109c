import Artifacts
import Foundation
import TestSupport
import Testing

@testable import FIDEval

@Suite struct ReferenceStatisticsTests {
  private func statistics(_ name: String, _ width: Int, provenance: FeatureProvenance? = nil) throws
    -> FeatureStatistics
  {
    var accumulator = StatisticsAccumulator(dimension: width, provenance: provenance)
    try accumulator.add(SyntheticWeights.values(name, [9, width]).map(Double.init))
    return try accumulator.statistics()
  }

  private func withFile(_ name: String, _ body: (String) throws -> Void) throws {
    try withTemporaryFolder { try body("\($0)/\(name)") }
  }

  @Test func hdf5GivesBackEverything() throws {
    let ours = FeatureProvenance(extractor: "net", weightsHash: "abc", preprocessing: "none")
    let whole = ReferenceStatistics(
      pooled: try statistics("a", 5, provenance: ours), spatial: try statistics("b", 3, provenance: ours))
    let pooled = ReferenceStatistics(pooled: whole.pooled)
    try withFile("a.h5") { path in
      for written in [whole, pooled] {
        try written.write(path)
        #expect(try ReferenceStatistics.read(path) == written)
      }
    }
  }

  @Test func numPyGivesBackTheNumbersAlone() throws {
    let ours = FeatureProvenance(extractor: "net", weightsHash: "abc", preprocessing: "none")
    let (a, b) = (try statistics("a", 5, provenance: ours), try statistics("b", 3))
    try withFile("a.npz") { path in
      try ReferenceStatistics(pooled: a, spatial: b).write(path)
      let read = try ReferenceStatistics.read(path)
      #expect(read.pooled.mean == a.mean && read.pooled.covariance == a.covariance)
      #expect(read.spatial?.mean == b.mean && read.spatial?.covariance == b.covariance)
      #expect(read.pooled.count == nil && read.pooled.provenance == nil)
      try ReferenceStatistics(pooled: a).write(path)
      #expect(try ReferenceStatistics.read(path).spatial == nil)
    }
  }

  /// The name does not decide: a file may be called anything.
  @Test func contentsTellTheFormat() throws {
    let whole = ReferenceStatistics(pooled: try statistics("a", 5))
    for (written, name) in [("a.npz", "a.h5"), ("a.h5", "a.npz")] {
      try withTemporaryFolder { folder in
        try whole.write("\(folder)/\(written)")
        try FileManager.default.moveItem(atPath: "\(folder)/\(written)", toPath: "\(folder)/\(name)")
        #expect(try ReferenceStatistics.read("\(folder)/\(name)").pooled.mean == whole.pooled.mean)
      }
    }
  }

  @Test func contradictionsAreErrors() throws {
    try withFile("a.npz") { path in
      try NumPyWriter.write([("mu", [2], [0, 0]), ("sigma", [2], [1, 1])], to: path)
      let error = #expect(throws: FIDError.self) { try ReferenceStatistics.read(path) }
      #expect(error?.description.contains(path) == true)
      try NumPyWriter.write([("sigma", [1, 1], [1])], to: path)
      #expect(throws: ArtifactError.missingDataset(path: path, name: "\"mu\"")) { try ReferenceStatistics.read(path) }
      try NumPyWriter.write([("mu", [0], []), ("sigma", [0, 0], [])], to: path)
      #expect(throws: FIDError.self) { try ReferenceStatistics.read(path) }
    }
  }

  /// From such a matrix a distance would come out, even 0.
  @Test(
    arguments: [
      ([-1, 0, 0, 1], "negative variance -1.0"), ([1, 0.5, 0.2, 1], "not symmetric at [1, 0]"),
    ] as [([Double], String)])
  func matricesThatAreNoCovarianceAreErrors(_ sigma: [Double], _ reason: String) throws {
    try withFile("a.npz") { path in
      try NumPyWriter.write([("mu", [2], [0, 0]), ("sigma", [2, 2], sigma)], to: path)
      let error = #expect(throws: FIDError.self) { try ReferenceStatistics.read(path) }
      #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
      // What rounding to single floats leaves is no reason.
      try NumPyWriter.write([("mu", [2], [0, 0]), ("sigma", [2, 2], [1, 0.5, 0.5000001, 1])], to: path)
      #expect(throws: Never.self) { try ReferenceStatistics.read(path) }
    }
  }
}
