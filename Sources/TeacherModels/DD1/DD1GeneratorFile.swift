import Artifacts
import NN
import Training

/// DD1's generators in HDF5, without a teacher: the network under `/ema/transformer.*`, the tokenizer under
/// `/ema/tokenizer.*`.
public enum DD1GeneratorFile {
  /// The checkpoint kind of these files.
  public static let kind = "dd1-generator"

  /// Whether a file is of this kind; not, where it is of another format.
  /// - Throws: `ArtifactError` for an HDF5 file that is no checkpoint, and where there is none to look at.
  public static func recognizes(_ path: String) throws -> Bool {
    try FileKind(ofFile: path) == .hdf5 && Checkpoint.load(from: path, groups: []).kind == kind
  }

  /// Writes a generator whose weights are made one by one.
  /// - Parameters:
  ///   - names: the weights of both parts, with their prefixes.
  ///   - array: the weight of a name.
  /// - Throws: `ArtifactError`, and what `array` throws; no file is left then.
  static func write(
    _ configuration: DD1Configuration, names: [String], metadata: [String: String], to path: String,
    array: (String) throws -> HostArray
  ) throws {
    let file = Checkpoint(
      kind: kind, config: try JSON.text(configuration), createdBy: DD2Version.description, metadata: metadata)
    try file.write(to: path, adding: ["ema": names]) { _, name in try array(name) }
  }

  /// Reads a generator, strictly, one weight after the other.
  /// - Throws: `ArtifactError` where the file is missing, damaged, of another kind or does not fit its configuration.
  public static func read(_ path: String) throws -> DD1Generator {
    let header = try Checkpoint.load(from: path, expectingKind: kind, groups: [])
    let configuration: DD1Configuration = try JSON.decode(header.config, path: path)
    let weights = try TensorSource(HDF5File(reading: path), group: "ema")
    return try fitting(path) { try DD1Generator(configuration, weights: weights) }
  }
}
