import Foundation
import TestSupport
import Testing

@testable import Artifacts

/// Files of other programs whose descriptions of themselves are under no checksum.
@Suite(.serialized) struct HDF5TrialTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let isOldLibrary = FileAccess.exists("/usr/lib/x86_64-linux-gnu/libhdf5_serial.so.103")

  /// HDF5 1.10.8 crashes on two of them and fills 4 GiB for the third; later versions may refuse them themselves.
  @Test(.enabled(if: isOldLibrary)) func whatTheLibraryDoesNotSurviveIsRefused() {
    let crash = "HDF5's library crashes on it"
    let files = [("crash-of-hdf5-1", crash), ("crash-of-hdf5-2", crash), ("memory-of-hdf5", "too much memory")]
    for (name, reason) in files {
      let error = artifactError { _ = try HDF5File(reading: FuzzCorpusTests.corpus + "/checkpoint/" + name) }
      #expect(error?.description.contains(reason) == true && error?.exitCode == 65, "\(String(describing: error))")
    }
  }

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
