import Foundation
import TestSupport
import Testing

@testable import Artifacts

/// Files of other programs whose descriptions of themselves are under no checksum.
@Suite(.serialized) struct HDF5TrialTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// About six in a thousand crash HDF5 1.10.8.
  @Test func damagedForeignFilesEndNothing() throws {
    let run = try MutationRun("foreign HDF5", seed: 12, count: 150, of: [UInt8](ForeignHDF5.data)) { path in
      let file = try HDF5File(reading: path)
      _ = try file.attributes()
      for name in try file.datasetNames() { _ = try? file.read(name) }
    }
    #expect(run.faults == [] && run.refused > 0)
  }
}
