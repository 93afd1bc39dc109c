import Artifacts

/// Files of a run that cannot be read any more, and that the run can do without.
package enum DamagedFile {
  /// What is wrong with a file of dd2's own that could not be read.
  /// - Throws: `error` again where its contents are not at fault.
  package static func detail(of error: any Error, in path: String) throws -> String {
    if let damage = (error as? ArtifactError)?.damage { return damage }
    if case ArtifactError.missingFile = error { return "a link that leads nowhere" }
    guard try FileKind(ofFile: path) != .hdf5 else { throw error }
    return "not an HDF5 file"
  }

  /// Keeps a damaged file under a name that no run looks for.
  /// - Returns: that name.
  /// - Throws: `ArtifactError`.
  package static func setAside(_ path: String) throws -> String {
    let place = path + ".damaged"
    try FileAccess.rename(path, to: place)
    return place
  }
}
